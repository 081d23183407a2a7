//! Reading requests: every way a body, a path or a query can be wrong becomes a [`Problem`].

use crate::problem::Problem;
use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use bytes::Bytes;
use hubbub_core::limits;
use serde::de::DeserializeOwned;

/// The body of a request.
///
/// # Errors
/// Where it is longer than [`limits::REST_BODY_BYTES`], or cut off.
pub async fn body(request: Request) -> Result<Bytes, Problem> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(_) => Problem::too_large(limits::REST_BODY_BYTES),
        _ => Problem::new(StatusCode::BAD_REQUEST, "bad_request", "body: cannot be read"),
    })
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
