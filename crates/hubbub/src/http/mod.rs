//! REST for the product's backend, health and metrics, and the page of `--dev`.

use crate::{
    chat::Chat,
    openapi::ApiDocument,
    problem::{Problem, as_line},
    strangers::Visitor,
    token::{Tokens, refusal::Why},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use hubbub_core::limits;
use keys::ApiKeys;
use std::sync::Arc;
use tracing::Instrument;

pub mod dev;
pub mod extract;
pub mod health;
pub mod keys;
mod methods;
pub mod page;
mod request_id;

pub use methods::RestTable;

/// What REST handlers need.
#[derive(Clone)]
pub struct Api {
    /// What requests are about.
    pub chat: Arc<Chat>,
    /// What opens it.
    pub keys: Arc<ApiKeys>,
    /// Whose tokens are taken.
    pub tokens: Arc<Tokens>,
    /// This instance's label.
    pub label: Arc<str>,
}

/// Everything that is served over plain HTTP: the methods of `v1`, and what `document` says of them.
pub fn router(api: Api, v1: Router, document: &ApiDocument) -> Router {
    let document = as_json(document);
    let guarded = v1
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(api.clone(), authorize))
        .layer(DefaultBodyLimit::max(limits::REST_BODY_BYTES))
        .layer(middleware::from_fn(request_id::name));
    healths()
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], document.clone())))
        .with_state(api)
        .merge(guarded)
}

/// Only whether this instance is well: for an address that serves no REST.
pub fn health(api: Api) -> Router {
    healths().fallback(unknown_path).with_state(api)
}

fn healths() -> Router<Api> {
    Router::new().route("/health/live", get(health::live)).route("/health/ready", get(health::ready))
}

#[expect(clippy::expect_used, reason = "it is made of names and texts of this program")]
fn as_json(document: &ApiDocument) -> Bytes {
    as_line(document).expect("the document is JSON")
}

async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path; see /openapi.json")
}

/// The answer to a method that a path has not.
pub async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this path has other methods; see /openapi.json")
}

async fn authorize(State(api): State<Api>, request: Request, next: Next) -> Response {
    // Every method, wherever it is; and what is not there tells strangers nothing.
    let is_method = request.extensions().get::<MatchedPath>().is_some();
    if !is_method && !request.uri().path().starts_with("/v1/") {
        return next.run(request).await;
    }
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    if given.is_some_and(|given| api.keys.know(given)) {
        if let Some(visitor) = request.extensions().get::<Arc<Visitor>>() {
            visitor.is_identified();
        }
        // A task of its own: a caller that hangs up does not cut off what the store is doing.
        return tokio::spawn(next.run(request).in_current_span()).await.unwrap_or_else(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal server error").into_response()
        });
    }
    api.tokens.refused(if given.is_some() { Why::ApiKeyUnknown } else { Why::ApiKeyMissing });
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Authorization: Bearer <api key> is expected");
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}
