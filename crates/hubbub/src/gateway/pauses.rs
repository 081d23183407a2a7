//! How long a connection may say nothing: less before and within the head of a request than between two requests, because
//! balancers keep connections to use them again.

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hubbub_core::limits;
use std::{
    io::{IoSlice, Result},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};

/// How long each pause may be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request; for the first one from when the connection is there.
    pub head: Duration,
    /// Between an answer and the first byte of the next request.
    pub idle: Duration,
}

impl Patience {
    /// That of the limits.
    pub const LIMITS: Self = Self { head: limits::HEAD_WITHIN, idle: limits::IDLE_WITHIN };
}

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// A head is awaited, and is the first one or has begun.
    Head,
    /// The request of this number is answered.
    Request(u32),
    /// Nothing has come since the last answer.
    Idle,
}

/// Follows one connection. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pauses(Arc<watch::Sender<At>>);

impl Pauses {
    /// Of a connection that is there from now on, and its stream.
    pub fn of<S>(stream: S) -> (Self, Heard<S>) {
        let pauses = Self(Arc::new(watch::Sender::new(At::Head)));
        (pauses.clone(), Heard { stream, pauses })
    }

    /// A request has come: nothing is awaited until its answer is over.
    pub fn asked(&self, number: u32) -> Asked {
        self.0.send_replace(At::Request(number));
        Asked { number, pauses: self.clone() }
    }

    /// Ends when a pause has been too long.
    pub async fn too_long(&self, patience: Patience) {
        let mut at = self.0.subscribe();
        loop {
            let within = match *at.borrow_and_update() {
                At::Head => Some(patience.head),
                At::Idle => Some(patience.idle),
                At::Request(_) => None,
            };
            let over = async {
                match within {
                    Some(within) => tokio::time::sleep(within).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // It cannot fail: a sender is here.
                _ = at.changed() => {}
                () = over => return,
            }
        }
    }

    fn moves(&self, from: At, to: At) {
        self.0.send_if_modified(|at| {
            let moves = *at == from;
            if moves {
                *at = to;
            }
            moves
        });
    }
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub struct Asked {
    number: u32,
    pauses: Pauses,
}

impl Asked {
    /// The same response, with whose body this ends.
    pub fn until_answered(self, response: Response) -> Response {
        response.map(|body| Body::new(Answer { body, _asked: self }))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.pauses.moves(At::Request(self.number), At::Idle);
    }
}

struct Answer {
    body: Body,
    _asked: Asked,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<hyper::body::Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// A stream of which [`Pauses`] are told when something has come.
#[derive(Debug)]
pub struct Heard<S> {
    stream: S,
    pauses: Pauses,
}

impl<S> Heard<S> {
    /// The stream alone.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.pauses.moves(At::Idle, At::Head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
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
