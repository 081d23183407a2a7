//! One client's WebSocket, behind a narrow type: at most one frame is on its way out, and reading goes on meanwhile.

use super::transport::{Inbound, Transport};
use crate::chat::intake::{Holder, Share};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use hubbub_core::{
    limits,
    model::ids::UserId,
    wire::{Format, disconnect::Disconnect},
};
use std::{
    future::poll_fn,
    io::{IoSlice, Result},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_websockets::{CloseCode, Config, Error, Limits, Message, Payload, ServerBuilder, WebSocketStream};

/// What is read at most before a frame is refused.
const LONGEST: usize = 2 * limits::FRAME_BYTES;

/// The stream below, which is read no further than a short frame goes unless there is room for the longest: what has come of a
/// frame waits in memory for the rest of it.
struct Metered<S> {
    stream: S,
    /// Bytes read since the last frame was whole.
    unread: usize,
    share: Share,
}

impl<S> Metered<S> {
    fn frame_has_come(&mut self, bytes: usize) {
        self.unread = 0;
        self.share.shrink_to(bytes);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.unread >= limits::FRAME_FREE_BYTES {
            ready!(this.share.poll_reserve(LONGEST, cx));
        }
        let most = if this.share.is_held() { usize::MAX } else { limits::FRAME_FREE_BYTES - this.unread };
        let read = if buf.remaining() <= most {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            buf.filled().len() - before
        } else {
            // There would be room for all that has come, and it would be kept.
            let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buf.advance(read);
            read
        };
        this.unread += read;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// See the module.
pub struct Socket<S> {
    stream: WebSocketStream<Metered<S>>,
    format: Format,
    writing: bool,
    /// Pings of the WebSocket layer whose answers may not be out yet.
    pings: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket, as the server, on a stream whose upgrade is done.
    pub fn new(stream: S, format: Format, share: Share) -> Self {
        // Above this the library closes with 1009; between FRAME_BYTES and this the reason can be given in words.
        let limits = Limits::default().max_payload_len(Some(LONGEST));
        let config = Config::default().flush_threshold(limits::WRITE_BYTES);
        let stream = ServerBuilder::new().limits(limits).config(config).serve(Metered { stream, unread: 0, share });
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

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), ()>> {
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
                        let frame = Bytes::copy_from_slice(message.as_payload());
                        self.stream.get_mut().frame_has_come(frame.len());
                        Inbound::Frame(frame)
                    } else {
                        Inbound::WrongKind
                    }
                }
                Some(Ok(message)) if message.is_ping() || message.is_pong() => {
                    self.pings += u32::from(message.is_ping());
                    self.stream.get_mut().frame_has_come(0);
                    continue;
                }
                Some(Err(Error::PayloadTooLong { .. })) => Inbound::TooLong,
                Some(_) | None => Inbound::Gone,
            });
        }
    }

    fn is_receiving(&self) -> bool {
        self.stream.get_ref().unread > 0
    }

    fn belongs_to(&mut self, user: &UserId) {
        self.stream.get_mut().share.belongs_to(Holder::User(user.clone()));
    }

    fn executed(&mut self) {
        let metered = self.stream.get_mut();
        // What has come of the next frame keeps its part.
        if metered.unread == 0 {
            metered.share.release();
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
