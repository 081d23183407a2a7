//! A body that must have come in time, and of which no more is taken than strangers may send: one that trickles in would keep
//! its request, and what the request holds, for ever.

use crate::strangers::{Fault, Visitor};
use axum::{
    Error,
    body::{Bytes, HttpBody},
};
use hubbub_core::limits;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Sleep;

/// See the module.
///
/// Of one that is dropped before its end a little more is taken: a connection with unread bytes is reset, and the answer, which may
/// say why nobody reads them, with it.
pub(super) struct Timely<B: Body> {
    body: Option<B>,
    within: Duration,
    /// Begins when the body first keeps somebody waiting; most bodies never do.
    deadline: Option<Pin<Box<Sleep>>>,
    visitor: Arc<Visitor>,
    lingers: bool,
}

/// What a body must be.
pub(super) trait Body: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Unpin + Send + 'static {}

impl<B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Unpin + Send + 'static> Body for B {}

impl<B: Body> Timely<B> {
    /// The same body, sent by this visitor, which fails when it has not ended `within` this time.
    pub(super) fn new(body: B, within: Duration, visitor: Arc<Visitor>) -> Self {
        Self { body: Some(body), within, deadline: None, visitor, lingers: true }
    }

    /// The same, of which nothing is taken once it is dropped.
    pub(super) fn unread(mut self) -> Self {
        self.lingers = false;
        self
    }
}

impl<B: Body> HttpBody for Timely<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame
                && let Some(data) = frame.data_ref()
                && this.visitor.sent_of_body(data.len()).is_err()
            {
                return Poll::Ready(Some(Err(Error::new("too much of strangers is held already"))));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::new)));
        }
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.within)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => {
                this.visitor.fails(Fault::Slow);
                Poll::Ready(Some(Err(Error::new("the body took too long"))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl<B: Body> Drop for Timely<B> {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        // Not of a crowd: it would be one more thing to hold.
        if !self.lingers || self.visitor.is_late() || self.visitor.company() > limits::COMPANY {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(limits::LINGER_WITHIN, async move {
            let mut taken = 0;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                taken += frame.data_ref().map_or(0, Bytes::len);
                if taken > limits::LINGER_BYTES {
                    break;
                }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strangers::{Full, Strangers};
    use axum::body::Body;
    use http_body_util::BodyExt;
    use hubbub_core::model::origin::Proxies;

    #[tokio::test]
    async fn a_body_that_trickles_in_fails_and_one_that_is_there_does_not() {
        let strangers = Strangers::new(Proxies::default(), 8, 8, Arc::default());
        let visitor = strangers.arrives([192, 0, 2, 1].into());
        let never = futures_util::stream::pending::<Result<Bytes, Error>>();
        let slow = Timely::new(Body::from_stream(never), Duration::from_millis(20), visitor.clone());
        let error = slow.collect().await.expect_err("it fails");
        assert!(error.to_string().contains("took too long"));
        assert_eq!(visitor.rests(), Some(Fault::Slow));
        let quick = Timely::new(Body::from("all of it"), Duration::ZERO, visitor.clone());
        assert_eq!(quick.collect().await.unwrap().to_bytes(), "all of it");
        let much = Timely::new(Body::from(vec![0; limits::STRANGER_BYTES + 1]), Duration::ZERO, visitor.clone());
        assert!(much.collect().await.is_err());
        assert_eq!(visitor.rests(), Some(Fault::Crowded(Full::Origin)));
    }
}
