//! A body that must have come in time: one that trickles in would keep its request, and what the request holds, for ever.

use axum::{
    Error,
    body::{Bytes, HttpBody},
};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Sleep;

/// See the module.
pub(super) struct Timely<B> {
    body: B,
    within: Duration,
    /// Begins when the body first keeps somebody waiting; most bodies never do.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> Timely<B> {
    /// The same body, which fails when it has not ended `within` this time.
    pub(super) const fn new(body: B, within: Duration) -> Self {
        Self { body, within, deadline: None }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Timely<B>
where
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::new)));
        }
        let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.within)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::new("the body took too long")))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_body_that_trickles_in_fails_and_one_that_is_there_does_not() {
        let never = futures_util::stream::pending::<Result<Bytes, Error>>();
        let slow = Timely::new(Body::from_stream(never), Duration::from_millis(20));
        let error = slow.collect().await.expect_err("it fails");
        assert!(error.to_string().contains("took too long"));
        let quick = Timely::new(Body::from("all of it"), Duration::ZERO);
        assert_eq!(quick.collect().await.unwrap().to_bytes(), "all of it");
    }
}
