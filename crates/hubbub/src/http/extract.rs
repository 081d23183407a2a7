//! Reading requests: every way a body, a path or a query can be wrong becomes a [`Problem`].

use crate::{chat::methods::rest::PathParam, problem::Problem};
use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};
use bytes::Bytes;
use hubbub_core::{limits, model::misread};
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

/// Whether those parts of a path are numbers that are to be.
///
/// # Errors
/// Names the first that is none, with the limit.
pub async fn numbers(parts: &mut Parts, params: &[PathParam]) -> Result<(), Problem> {
    let Ok(raw) = RawPathParams::from_request_parts(parts, &()).await else { return Ok(()) };
    let is_wrong = |name: &str, value: &str| {
        params.iter().any(|param| param.is_number && param.name == name) && value.parse::<u64>().is_err()
    };
    let wrong = raw.iter().find(|(name, value)| is_wrong(name, value));
    wrong.map_or(Ok(()), |(name, _)| {
        let told = misread::told(name, "invalid digit found in string");
        Err(Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("path: {told}")))
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
            let said = error.body_text();
            let said = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said);
            let told = match said.split_once(": ") {
                Some((field, why)) if !field.contains(' ') => misread::told(field, why),
                _ => said.to_owned(),
            };
            Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("query: {told}"))
        })
    }
}
