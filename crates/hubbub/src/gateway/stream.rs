//! One client's connection where WebSockets do not get through: replies and pushes go into the body of a response that does
//! not end, commands come in requests of their own.
//!
//! The server's loop asks the body for its next part when it has room for it; so at most one frame is on its way out here,
//! too.

use super::transport::{Inbound, Transport};
use crate::chat::{
    intake::{Received, Share},
    streams::{Lost, OpenStream},
};
use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream as Parts, task::AtomicWaker};
use hubbub_core::{
    model::ids::UserId,
    wire::{Format, disconnect::Disconnect, push},
};
use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::sync::Notify;

/// How frames are told apart in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One object per line.
    Lines,
    /// Server-sent events.
    Events,
    /// Messages after their lengths.
    Lengths,
}

impl Framing {
    /// How commands, replies and pushes are written.
    pub const fn format(self) -> Format {
        match self {
            Self::Lines | Self::Events => Format::Json,
            Self::Lengths => Format::Protobuf,
        }
    }

    fn frame(self, frame: Bytes) -> Bytes {
        let mut framed = BytesMut::with_capacity(frame.len() + 32);
        match self {
            Self::Lengths => return frame,
            Self::Lines => {
                framed.extend_from_slice(&frame);
                framed.put_u8(b'\n');
            }
            Self::Events => {
                for line in frame.split(|byte| *byte == b'\n') {
                    framed.extend_from_slice(b"data: ");
                    framed.extend_from_slice(line);
                    framed.put_u8(b'\n');
                }
                framed.put_u8(b'\n');
            }
        }
        framed.freeze()
    }
}

/// Ends the TCP connection under a response whose stream is over, if the client does not take what is left of it. Whoever
/// serves a connection puts one of its own into each request.
#[derive(Debug, Clone, Default)]
pub struct Lifeline(Arc<Notify>);

impl Lifeline {
    /// Waits until the stream on this connection is over.
    pub async fn over(&self) {
        self.0.notified().await;
    }
}

/// What a stream and the body of its response have in common.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    stream: AtomicWaker,
    body: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    /// The frame on its way out.
    frame: Option<Bytes>,
    /// Nothing comes after that.
    ended: bool,
    /// The response is finished, or its connection is.
    gone: bool,
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.state().ended = true;
        self.body.wake();
    }
}

/// See the module.
pub struct Stream {
    pipe: Arc<Pipe>,
    framing: Framing,
    /// What the request that opened it said.
    first: Option<Bytes>,
    opened: OpenStream,
    address: (String, String),
    writing: bool,
    lifeline: Lifeline,
    /// Of the frame that is being executed.
    executing: Option<Share>,
}

impl Stream {
    /// A stream and the body it writes into. `first` is what the client has said already; `address` is where it says more.
    pub fn new(
        framing: Framing,
        first: Bytes,
        opened: OpenStream,
        address: (String, String),
        lifeline: Lifeline,
    ) -> (Self, Body) {
        let pipe = Arc::<Pipe>::default();
        let body = Body::from_stream(Outlet(pipe.clone()));
        (Self { pipe, framing, first: Some(first), opened, address, writing: false, lifeline, executing: None }, body)
    }

    async fn poll_until(&self, done: impl Fn(&State) -> bool) {
        poll_fn(|cx| {
            self.pipe.stream.register(cx.waker());
            if done(&self.pipe.state()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Transport for Stream {
    fn format(&self) -> Format {
        self.framing.format()
    }

    fn address(&self) -> Option<(String, String)> {
        Some(self.address.clone())
    }

    fn is_writing(&self) -> bool {
        self.writing
    }

    fn write(&mut self, frame: Bytes) {
        self.pipe.state().frame = Some(self.framing.frame(frame));
        self.pipe.body.wake();
        self.writing = true;
    }

    fn close(&mut self, why: &Disconnect) {
        self.write(push::disconnect(why, self.format()));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.pipe.stream.register(cx.waker());
        let state = self.pipe.state();
        if state.gone {
            return Poll::Ready(Err(()));
        }
        if state.frame.is_some() {
            return Poll::Pending;
        }
        self.writing = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Inbound> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Inbound::Frame(first));
        }
        self.pipe.stream.register(cx.waker());
        if self.pipe.state().gone {
            return Poll::Ready(Inbound::Gone);
        }
        self.opened.uplink.poll(cx).map(|received| match received {
            Ok(Received { frame, share }) => {
                self.executing = Some(share);
                Inbound::Frame(frame)
            }
            Err(Lost) => Inbound::Lost,
        })
    }

    fn belongs_to(&mut self, user: &UserId) {
        self.opened.uplink.belongs_to(user);
    }

    fn executed(&mut self) {
        self.executing = None;
    }

    async fn part(&mut self) {
        self.poll_until(|state| state.gone || state.frame.is_none()).await;
        self.pipe.end();
        self.poll_until(|state| state.gone).await;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.pipe.end();
        self.lifeline.0.notify_one();
    }
}

/// The body's side.
struct Outlet(Arc<Pipe>);

impl Parts for Outlet {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.body.register(cx.waker());
        let mut state = self.0.state();
        if let Some(frame) = state.frame.take() {
            drop(state);
            self.0.stream.wake();
            return Poll::Ready(Some(Ok(frame)));
        }
        if state.ended { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.state().gone = true;
        self.0.stream.wake();
    }
}
