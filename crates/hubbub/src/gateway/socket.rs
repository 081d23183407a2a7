//! One client's WebSocket, behind a narrow type: at most one frame is on its way out, and reading goes on meanwhile.

use super::transport::{Inbound, Transport};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use hubbub_core::{
    limits,
    wire::{Format, disconnect::Disconnect},
};
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
    format: Format,
    writing: bool,
    /// Pings of the WebSocket layer whose answers may not be out yet.
    pings: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket, as the server, on a stream whose upgrade is done.
    pub fn new(stream: S, format: Format) -> Self {
        // Above this the library closes with 1009; between FRAME_BYTES and this the reason can be given in words.
        let limits = Limits::default().max_payload_len(Some(2 * limits::FRAME_BYTES));
        let config = Config::default().flush_threshold(limits::WRITE_BYTES);
        let stream = ServerBuilder::new().limits(limits).config(config).serve(stream);
        Self { stream, format, writing: false, pings: 0 }
    }

    fn send(&mut self, message: Message) {
        debug_assert!(!self.writing, "one frame at a time");
        // The sink is ready: what was handed in before has been flushed. An error comes up again with the flush.
        let _ = Pin::new(&mut self.stream).start_send(message);
        self.writing = true;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for Socket<S> {
    fn format(&self) -> Format {
        self.format
    }

    fn is_writing(&self) -> bool {
        self.writing
    }

    fn write(&mut self, frame: Bytes) {
        self.send(match self.format {
            Format::Json => Message::text(Payload::from(frame)),
            Format::Protobuf => Message::binary(Payload::from(frame)),
        });
    }

    fn close(&mut self, why: &Disconnect) {
        let code = CloseCode::try_from(why.code).unwrap_or(CloseCode::NORMAL_CLOSURE);
        self.send(Message::close(Some(code), why.short_reason()));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if !self.writing {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.writing = false;
        self.pings = 0;
        Poll::Ready(flushed.map_err(drop))
    }

    /// Pings of the WebSocket layer are answered on the way, but not without end: who does not take the answers is not read.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Inbound> {
        loop {
            if self.pings >= limits::PONGS {
                if ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_err() {
                    return Poll::Ready(Inbound::Gone);
                }
                self.pings = 0;
            }
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) if message.is_text() || message.is_binary() => {
                    if message.is_text() == (self.format == Format::Json) {
                        // A copy: what the library hands out would hold its read buffer.
                        Inbound::Frame(Bytes::copy_from_slice(message.as_payload()))
                    } else {
                        Inbound::WrongKind
                    }
                }
                Some(Ok(message)) if message.is_ping() || message.is_pong() => {
                    self.pings += u32::from(message.is_ping());
                    continue;
                }
                Some(Err(Error::PayloadTooLong { .. })) => Inbound::TooLong,
                Some(_) | None => Inbound::Gone,
            });
        }
    }

    /// Reads on until the other side has gone: unread data would turn the goodbye into a reset.
    async fn part(&mut self) {
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
