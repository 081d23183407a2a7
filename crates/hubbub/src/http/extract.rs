//! Reading requests: every way a body, a path or a query can be wrong becomes a [`Problem`].

use crate::problem::Problem;
use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, request::Parts},
};
use bytes::Bytes;
use hubbub_core::{
    limits,
    model::ids::{Invalid, Key},
};
use serde::de::DeserializeOwned;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(_) => Problem::too_large(limits::REST_BODY_BYTES),
            _ => Problem::new(StatusCode::BAD_REQUEST, "bad_request", "body: cannot be read"),
        })?;
        // An array would be taken for the fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_request", "body: a JSON object is expected"));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("body: {error}")))
    }
}

/// The parts of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path)).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("path: {}", error.body_text()))
        })
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|axum::extract::Query(query)| Self(query)).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("query: {}", error.body_text()))
        })
    }
}

/// The `Idempotency-Key`, which plays the part of a send's `key`.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<Key>, Invalid> {
    const FIELD: &str = "Idempotency-Key";
    headers
        .get("idempotency-key")
        .map(|value| {
            let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Invalid::new(FIELD, "not UTF-8"))?;
            // The draft standard writes it as a quoted string; many clients do not.
            let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
            Key::parse_as(FIELD, text)
        })
        .transpose()
}
