//! The stream below HTTP and WebSockets: TCP, or TLS on it.

use crate::{chat::live::line::Outlet, strangers::Visitor};
use bytes::Bytes;
use hubbub_core::limits;
use socket2::SockRef;
use std::{
    io::{Error, ErrorKind, IoSlice, Result},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::server::TlsStream;

/// See the module.
pub struct Tcp {
    kind: Kind,
    /// What was read already and comes first.
    first: Bytes,
    /// Whose it is: told what has come of a head, and counted among the open connections for as long as this is.
    visitor: Option<Arc<Visitor>>,
}

enum Kind {
    Plain(Plain),
    // Boxed: it is a kilobyte, and most instances have a balancer that speaks TLS for them.
    Tls(Box<TlsStream<TcpStream>>),
}

/// TCP alone, whose other half may be written to from elsewhere.
struct Plain {
    read: OwnedReadHalf,
    write: Arc<WriteHalf>,
}

/// The half of a plain stream that is written to, by whoever may at the moment.
#[derive(Debug)]
pub struct WriteHalf(OwnedWriteHalf);

impl Outlet for WriteHalf {
    fn try_write(&self, bytes: &[u8]) -> Result<usize> {
        self.0.try_write(bytes)
    }
}

impl WriteHalf {
    fn poll(&self, cx: &mut Context<'_>, write: impl Fn(&OwnedWriteHalf) -> Result<usize>) -> Poll<Result<usize>> {
        loop {
            ready!(self.0.as_ref().poll_write_ready(cx))?;
            match write(&self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.write.poll(cx, |half| half.try_write(buf))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.write.poll(cx, |half| half.try_write_vectored(bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(match SockRef::from(self.write.0.as_ref()).shutdown(Shutdown::Write) {
            // The other side was sooner.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            done => done,
        })
    }
}

impl From<TcpStream> for Tcp {
    fn from(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        let plain = Plain { read, write: Arc::new(WriteHalf(write)) };
        Self { kind: Kind::Plain(plain), first: Bytes::new(), visitor: None }
    }
}

impl From<TlsStream<TcpStream>> for Tcp {
    fn from(stream: TlsStream<TcpStream>) -> Self {
        Self { kind: Kind::Tls(Box::new(stream)), first: Bytes::new(), visitor: None }
    }
}

/// Keeps segments of connections to this listener so short that the send buffer holds several: otherwise whoever writes waits
/// for an acknowledgement that whoever reads puts off.
pub fn bound_segments(listener: &TcpSocket) {
    if let Err(error) = SockRef::from(listener).set_tcp_mss(limits::SOCKET_SEGMENT) {
        tracing::debug!(%error, "segments are as long as the network takes");
    }
}

impl Tcp {
    /// The same stream, on which `first` comes first.
    pub fn beginning_with(self, first: Bytes) -> Self {
        Self { first, ..self }
    }

    /// The same stream, of this visitor.
    pub fn of(self, visitor: Arc<Visitor>) -> Self {
        Self { visitor: Some(visitor), ..self }
    }

    /// What others may write to beside whoever has the stream; `None` where there is TLS.
    pub fn outlet(&self) -> Option<Arc<WriteHalf>> {
        match &self.kind {
            Kind::Plain(plain) => Some(plain.write.clone()),
            Kind::Tls(_) => None,
        }
    }

    /// Bounds what a client that stops reading, or is not read, keeps in the kernel.
    pub fn bound_buffers(&self) {
        let tcp = match &self.kind {
            Kind::Plain(plain) => plain.write.0.as_ref(),
            Kind::Tls(stream) => stream.get_ref().0,
        };
        let socket = SockRef::from(tcp);
        let bounded = socket
            .set_send_buffer_size(limits::SOCKET_SEND_BUFFER)
            .and_then(|()| socket.set_recv_buffer_size(limits::SOCKET_RECEIVE_BUFFER))
            .and_then(|()| socket.set_tcp_nodelay(true));
        #[cfg(target_os = "linux")]
        let bounded = bounded
            .and_then(|()| socket.set_tcp_notsent_lowat(limits::SOCKET_NOTSENT_LOWAT))
            // Whoever takes nothing of a response, whatever it is, is dropped: nobody else watches its writing.
            .and_then(|()| socket.set_tcp_user_timeout(Some(limits::WRITE_WITHIN)));
        if let Err(error) = bounded {
            tracing::debug!(%error, "a client's socket keeps the kernel's own buffer sizes");
        }
    }
}

/// Calls the stream of either kind.
macro_rules! either {
    ($transport:expr, $stream:ident => $call:expr) => {
        match &mut $transport.get_mut().kind {
            Kind::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Kind::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for Tcp {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if !self.first.is_empty() && buf.remaining() > 0 {
            let length = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = either!(self.as_mut(), stream => stream.poll_read(cx, buf));
        if let Some(visitor) = &self.visitor
            && visitor.sent_of_head(buf.filled().len() - before).is_err()
        {
            return Poll::Ready(Err(Error::other("too much of strangers is held already")));
        }
        read
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        either!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
