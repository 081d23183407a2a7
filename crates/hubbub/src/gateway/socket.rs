//! One client's WebSocket, behind a narrow type: at most one frame is on its way out, and reading goes on meanwhile.

use bytes::Bytes;
use futures_util::{Sink, Stream};
use hubbub_core::{limits, protocol::disconnect::Disconnect};
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_websockets::{CloseCode, Config, Error, Limits, Message, Payload, ServerBuilder, WebSocketStream};

/// See the module.
pub struct Socket<S> {
    stream: WebSocketStream<S>,
    writing: bool,
    /// Pings of the WebSocket layer whose answers may not be out yet.
    pings: u32,
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A text frame.
    Text(String),
    /// A frame of another kind, which this protocol has no use for.
    Binary,
    /// A message that is far too long; where the library has said so itself, with 1009, nothing more is written.
    TooLong,
    /// The other side is gone, or says goodbye, or breaks the rules of WebSocket: the answer to that is on its way out.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket, as the server, on a stream whose upgrade is done.
    pub fn new(stream: S) -> Self {
        // Above this the library closes with 1009; between FRAME_BYTES and this the reason can be given in words.
        let limits = Limits::default().max_payload_len(Some(2 * limits::FRAME_BYTES));
        let config = Config::default().flush_threshold(limits::WRITE_BYTES);
        let stream = ServerBuilder::new().limits(limits).config(config).serve(stream);
        Self { stream, writing: false, pings: 0 }
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
        self.pings = 0;
        Poll::Ready(flushed.map_err(drop))
    }

    /// What comes in next. Pings of the WebSocket layer are answered on the way, but not without end: who does not take
    /// the answers is not read.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            if self.pings >= limits::PONGS {
                if ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_err() {
                    return Poll::Ready(Incoming::Gone);
                }
                self.pings = 0;
            }
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) if message.is_text() => match message.as_text() {
                    Some(text) => Incoming::Text(text.to_owned()),
                    None => Incoming::Gone,
                },
                Some(Ok(message)) if message.is_binary() => Incoming::Binary,
                Some(Ok(message)) if message.is_ping() || message.is_pong() => {
                    self.pings += u32::from(message.is_ping());
                    continue;
                }
                Some(Err(Error::PayloadTooLong { .. })) => Incoming::TooLong,
                Some(_) | None => Incoming::Gone,
            });
        }
    }

    /// Gets out what was said last, then reads on until the other side has gone: unread data would turn it into a reset.
    pub async fn part(&mut self) {
        poll_fn(|cx| Pin::new(&mut self.stream).poll_flush(cx)).await.ok();
        poll_fn(|cx| {
            while let Some(message) = ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                if message.is_err() {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
        let stream = self.stream.get_mut();
        stream.flush().await.ok();
        stream.shutdown().await.ok();
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
    }
}
