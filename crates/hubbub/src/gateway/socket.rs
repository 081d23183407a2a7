//! One client's WebSocket, behind a narrow type: at most one frame is on its way out, and reading goes on meanwhile.

use super::{
    tcp::{Tcp, WriteHalf},
    transport::{Inbound, Transport},
};
use crate::chat::intake::{Holder, Share};
use bytes::{Buf, Bytes};
use hubbub_core::{
    limits,
    model::ids::UserId,
    wire::{
        Format,
        disconnect::Disconnect,
        websocket::{self, Fault, HEAD_BYTES, Kind, Message, Reader},
    },
};
use std::{
    future::poll_fn,
    io::{IoSlice, Result},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// What is read at most before a frame is refused: between FRAME_BYTES and this the reason is given in words.
const LONGEST: usize = 2 * limits::FRAME_BYTES;
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// See the module.
pub struct Socket {
    stream: Tcp,
    format: Format,
    reader: Reader,
    share: Share,
    out: Out,
    /// Said last: the other side goes, or what it says is no WebSocket.
    farewell: Option<Bytes>,
    /// The other side has said its last.
    ended: bool,
}

/// A frame on its way out.
#[derive(Default)]
struct Out {
    head: [u8; HEAD_BYTES],
    /// What is left of the head: so many bytes up to `head_ends`.
    head_left: u8,
    head_ends: u8,
    payload: Bytes,
    /// Something was handed in and is not flushed yet.
    writing: bool,
}

impl Out {
    fn begin(&mut self, kind: Kind, payload: Bytes) {
        debug_assert!(!self.writing, "one frame at a time");
        let (head, bytes) = websocket::head(kind, payload.len());
        (self.head, self.head_ends, self.head_left) = (head, bytes as u8, bytes as u8);
        (self.payload, self.writing) = (payload, true);
    }

    fn head(&self) -> &[u8] {
        let end = usize::from(self.head_ends);
        &self.head[end - usize::from(self.head_left)..end]
    }

    fn poll(&mut self, stream: &mut Tcp, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.head_left > 0 || !self.payload.is_empty() {
            let parts = [IoSlice::new(self.head()), IoSlice::new(&self.payload)];
            // A stream may take the first of several only.
            let parts = if self.head_left > 0 { &parts[..] } else { &parts[1..] };
            let written = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, parts))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            let of_head = written.min(usize::from(self.head_left));
            self.head_left -= of_head as u8;
            self.payload.advance(written - of_head);
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        (self.payload, self.writing) = (Bytes::new(), false);
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    /// Speaks WebSocket, as the server, on a stream whose upgrade is done.
    pub fn new(stream: Tcp, format: Format, share: Share) -> Self {
        Self { stream, format, reader: Reader::new(LONGEST), share, out: Out::default(), farewell: None, ended: false }
    }

    /// The next message. It is read no further than a short frame goes unless there is room for the longest: what has come of a
    /// frame waits in memory for the rest of it.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<Message, Gone>> {
        loop {
            match self.reader.read() {
                Ok(Some(message)) => return Poll::Ready(Ok(message)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Err(Gone::Fault(fault))),
            }
            let held = self.reader.held();
            if held >= limits::FRAME_FREE_BYTES {
                ready!(self.share.poll_reserve(LONGEST, cx));
            }
            let most = if self.share.is_held() { READ_BYTES } else { limits::FRAME_FREE_BYTES - held };
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut part = ReadBuf::uninit(&mut space[..most.min(READ_BYTES)]);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part)) {
                Ok(()) if !part.filled().is_empty() => self.reader.take(part.filled()),
                _ => return Poll::Ready(Err(Gone::Silent)),
            }
        }
    }
}

/// Why nothing more comes in.
enum Gone {
    /// What comes is no WebSocket.
    Fault(Fault),
    /// The stream has ended.
    Silent,
}

impl Transport for Socket {
    fn format(&self) -> Format {
        self.format
    }

    fn is_writing(&self) -> bool {
        self.out.writing
    }

    fn write(&mut self, frame: Bytes) {
        self.out.begin(Kind::of_format(self.format), frame);
    }

    fn pong(&mut self, payload: Bytes) {
        self.out.begin(Kind::Pong, payload);
    }

    fn finish(&mut self, rest: Bytes) {
        debug_assert!(!self.out.writing, "one frame at a time");
        self.out = Out { payload: rest, writing: true, ..Out::default() };
    }

    fn outlet(&self) -> Option<Arc<WriteHalf>> {
        self.stream.outlet()
    }

    fn close(&mut self, why: &Disconnect) {
        self.farewell.get_or_insert_with(|| websocket::farewell(why.code, why.short_reason()));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), ()>> {
        if !self.out.writing {
            return Poll::Ready(Ok(()));
        }
        self.out.poll(&mut self.stream, cx).map_err(drop)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Inbound> {
        loop {
            let gone = match ready!(self.poll_message(cx)) {
                Ok(Message::Data(kind, frame)) => {
                    self.share.shrink_to(frame.len());
                    let is_ours = kind == Kind::of_format(self.format);
                    return Poll::Ready(if is_ours { Inbound::Frame(frame) } else { Inbound::WrongKind });
                }
                Ok(Message::Ping(payload)) => return Poll::Ready(Inbound::Ping(payload)),
                Ok(Message::Pong) => continue,
                Ok(Message::Close(code)) => {
                    self.ended = true;
                    self.farewell = Some(code.map_or_else(Bytes::new, |code| websocket::farewell(code, "")));
                    Inbound::Gone
                }
                Err(Gone::Fault(fault)) => {
                    self.ended = true;
                    if fault == Fault::TooLong {
                        // It is told by how much, by a code that clients do not come back after.
                        Inbound::TooLong
                    } else {
                        self.farewell = Some(websocket::farewell(fault.code(), ""));
                        Inbound::Gone
                    }
                }
                Err(Gone::Silent) => Inbound::Gone,
            };
            return Poll::Ready(gone);
        }
    }

    fn is_receiving(&self) -> bool {
        self.reader.held() > 0
    }

    fn belongs_to(&mut self, user: &UserId) {
        self.share.belongs_to(Holder::User(user.clone()));
    }

    fn executed(&mut self) {
        // What has come of the next frame beside this one is short, and takes nothing: once it is long, room is taken for it.
        if self.reader.held() < limits::FRAME_FREE_BYTES {
            self.share.release();
        }
    }

    /// Reads on until the other side has gone: unread data would turn the goodbye into a reset.
    async fn part(&mut self) {
        let farewell = self.farewell.take();
        if poll_fn(|cx| self.poll_written(cx)).await.is_ok()
            && let Some(farewell) = farewell
        {
            self.out.begin(Kind::Close, farewell);
            poll_fn(|cx| self.poll_written(cx)).await.ok();
        }
        // The answer to a goodbye of ours comes behind whatever else is on its way.
        while !self.ended {
            let said = poll_fn(|cx| self.poll_message(cx)).await;
            self.ended = matches!(said, Err(_) | Ok(Message::Close(_)));
        }
        self.stream.shutdown().await.ok();
        let mut rest = [0; 1024];
        while self.stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
    }
}
