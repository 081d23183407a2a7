//! `X-Request-Id`: what a request is called in our logs and in those of whoever asked.

use crate::spans;
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use std::time::Instant;
use tracing::Instrument;

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a caller.
const BYTES: usize = 128;

/// Takes over the caller's id, or makes one; it is in every line that is logged meanwhile, and in the answer.
pub async fn name(request: Request, next: Next) -> Response {
    let given = request.headers().get(NAME).filter(|id| is_fit(id.as_bytes())).cloned();
    let id = given.or_else(|| HeaderValue::try_from(uuid::Uuid::new_v4().to_string()).ok());
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let trace = spans::request(request.method().as_str(), route, |name| request.headers().get(name)?.to_str().ok());
    // A query may say what somebody looks for: it is not logged.
    let span = trace.in_scope(
        || tracing::info_span!("request", id = shown, method = %request.method(), path = request.uri().path()),
    );
    let traced = trace.clone();
    async move {
        let began = Instant::now();
        let mut response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), took = ?began.elapsed(), "answered");
        spans::answered(&traced, response.status().as_u16());
        if let Some(id) = id {
            response.headers_mut().insert(NAME, id);
        }
        response
    }
    .instrument(span)
    .instrument(trace)
    .await
}

/// Letters, digits and a few signs: what cannot break a line of a log or look like another field.
fn is_fit(id: &[u8]) -> bool {
    (1..=BYTES).contains(&id.len()) && id.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.:/+=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        for fit in ["a", "4bf92f3577b34da6a3ce929d0e0e4736", "req:7/8-9_x.y+z="] {
            assert!(is_fit(fit.as_bytes()), "{fit}");
        }
        for unfit in ["", "a b", "a\"b", "a\nb", "é", &"x".repeat(BYTES + 1)] {
            assert!(!is_fit(unfit.as_bytes()), "{unfit}");
        }
    }
}
