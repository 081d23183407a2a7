//! One client's WebSocket, behind a narrow type: at most one frame is on its way out, and reading goes on meanwhile.

use bytes::Bytes;
use futures_util::{Sink, Stream};
use hubbub_core::{limits, protocol::disconnect::Disconnect};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_websockets::{CloseCode, Config, Limits, Message, Payload, ServerBuilder, WebSocketStream};

/// See the module.
pub struct Socket<S> {
    stream: WebSocketStream<S>,
    writing: bool,
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A text frame.
    Text(String),
    /// A frame of another kind, which this protocol has no use for.
    Binary,
    /// The other side is gone.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket, as the server, on a stream whose upgrade is done.
    pub fn new(stream: S) -> Self {
        // Above this the library closes with 1009; between FRAME_BYTES and this the reason can be given in words.
        let limits = Limits::default().max_payload_len(Some(4 * limits::FRAME_BYTES));
        let config = Config::default().flush_threshold(limits::WRITE_BYTES);
        let stream = ServerBuilder::new().limits(limits).config(config).serve(stream);
        Self { stream, writing: false }
    }

    /// Whether a frame is on its way out: then nothing more is handed in.
    pub const fn is_writing(&self) -> bool {
        self.writing
    }

    /// Hands in a text frame. Only while nothing is on its way.
    pub fn write(&mut self, text: Bytes) {
        self.send(Message::text(Payload::from(text)));
    }

    /// Says goodbye. Only while nothing is on its way.
    pub fn close(&mut self, why: &Disconnect) {
        let code = CloseCode::try_from(why.code).unwrap_or(CloseCode::NORMAL_CLOSURE);
        self.send(Message::close(Some(code), why.short_reason()));
    }

    fn send(&mut self, message: Message) {
        debug_assert!(!self.writing, "one frame at a time");
        // The sink is ready: what was handed in before has been flushed. An error comes up again with the flush.
        let _ = Pin::new(&mut self.stream).start_send(message);
        self.writing = true;
    }

    /// Drives the frame on its way out. Ready once it is out, or `Err` when it cannot be.
    pub fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if !self.writing {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.writing = false;
        Poll::Ready(flushed.map_err(drop))
    }

    /// What comes in next. Pings of the WebSocket layer are answered on the way.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) if message.is_text() => match message.as_text() {
                    Some(text) => Incoming::Text(text.to_owned()),
                    None => Incoming::Gone,
                },
                Some(Ok(message)) if message.is_binary() => Incoming::Binary,
                Some(Ok(message)) if message.is_ping() || message.is_pong() => continue,
                // A close, or an error: the library has said what is to be said.
                Some(_) | None => Incoming::Gone,
            });
        }
    }
}
