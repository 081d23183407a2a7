//! `POST /hooks/{portal}`: where portals send theirs.

use super::{
    Portals,
    incoming::{Hook, HookError, Taken},
};
use crate::{
    chat::methods::MethodError, features::portals::error::SupportError, log::Seldom, problem::Problem, spans,
    strangers::Visitor,
};
use axum::{
    Json, Router,
    body::{Body, HttpBody},
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use hubbub_core::{limits, portal::verify::Signed};
use serde::Serialize;
use std::{sync::Arc, time::Instant};
use tracing::Instrument;

/// The URI of a request as the portal asked for it, where the server has taken its base path off.
#[derive(Clone)]
pub struct OriginalUri(pub Uri);

/// Its routes: no API key opens them, what the portal's settings say does.
pub fn router(portals: Arc<Portals>) -> Router {
    Router::new()
        .route("/hooks/{portal}", post(take))
        .route("/hooks/{portal}/{secret}", post(take_with_secret))
        .with_state(portals)
}

static REFUSED: Seldom = Seldom::new();

/// The answer to a webhook: to a repeat the same as to the first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HookAnswer {
    messages: Vec<Stored>,
    #[serde(skip_serializing_if = "is_zero")]
    passed_over: usize,
    #[serde(skip_serializing_if = "is_zero")]
    quarantined: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    id: String,
    session_id: String,
    seq: u64,
    at: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

async fn take(portals: State<Arc<Portals>>, Path(portal): Path<String>, request: Request) -> Response {
    answer(portals, portal, None, request).await
}

async fn take_with_secret(
    portals: State<Arc<Portals>>,
    Path((portal, secret)): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(portals, portal, Some(secret), request).await
}

/// A task of its own: a portal that hangs up does not cut off what the store is doing. The path is in no log: it may hold a
/// secret.
async fn answer(
    State(portals): State<Arc<Portals>>,
    portal: String,
    secret: Option<String>,
    request: Request,
) -> Response {
    let trace = spans::request("POST", Some("/hooks/{portal}"), |name| request.headers().get(name)?.to_str().ok());
    let shown: String = portal.chars().filter(|c| c.is_ascii_graphic()).take(limits::PORTAL_ID_BYTES).collect();
    let span = trace.in_scope(|| tracing::info_span!("hook", portal = shown));
    let traced = trace.clone();
    let work = async move {
        let response = match respond(&portals, &portal, secret.as_deref(), request).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        };
        tracing::debug!(status = response.status().as_u16(), "answered");
        spans::answered(&traced, response.status().as_u16());
        response
    };
    tokio::spawn(work.instrument(span).instrument(trace)).await.unwrap_or_else(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal server error").into_response()
    })
}

async fn respond(portals: &Portals, name: &str, secret: Option<&str>, request: Request) -> Result<Response, Problem> {
    let began = Instant::now();
    let portal = tokio::time::timeout(limits::REQUEST_PATIENCE, portals.portal(name))
        .await
        .unwrap_or(Err(HookError::Unavailable))?;
    // All that is waited for but the portal's own body.
    let left = limits::REQUEST_PATIENCE.saturating_sub(began.elapsed());
    let (parts, body) = request.into_parts();
    let counted = |_: &Problem| portals.metrics().portals.received(portal.id.as_str(), "too_large");
    let visitor = parts.extensions.get::<Arc<Visitor>>();
    if body.size_hint().lower() > limits::HOOK_BYTES as u64 {
        return Err(Problem::too_large(limits::HOOK_BYTES)).inspect_err(counted);
    }
    let body = read(body).await.inspect_err(counted)?;
    let url = url(&parts);
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bytes = |name: &str| parts.headers.get(name).map(|value| value.as_bytes());
    let hook = Hook {
        signed: Signed { method: Method::POST.as_str(), url: &url, headers: &bytes, body: &body, path_secret: secret },
        content_type: text("content-type"),
        id: text("webhook-id").or_else(|| text("idempotency-key")),
    };
    let taking = tokio::time::timeout(left, portals.take(&portal, hook)).await;
    let taken = taking.unwrap_or(Err(HookError::Unavailable));
    match (&taken, visitor) {
        (Err(HookError::Unverified(_)), _) => portals.metrics().strangers.refused("hook"),
        (_, Some(visitor)) => visitor.is_identified(),
        (_, None) => {}
    }
    let taken = taken.inspect_err(|refused| {
        if let Some(passed_over) = REFUSED.tell() {
            tracing::info!(portal = %portal.id, %refused, passed_over, "a webhook was not taken");
        }
    })?;
    Ok(shown(taken))
}

async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    axum::body::to_bytes(body, limits::HOOK_BYTES).await.map_err(|_| Problem::too_large(limits::HOOK_BYTES))
}

fn shown(taken: Taken) -> Response {
    if let Some(challenge) = taken.challenge {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response();
    }
    let status = if taken.quarantined > 0 { StatusCode::ACCEPTED } else { StatusCode::OK };
    let messages = taken.messages.iter().map(|(session, place)| Stored {
        id: place.id.to_string(),
        session_id: session.to_string(),
        seq: place.seq.get(),
        at: place.at.to_string(),
    });
    let answer =
        HookAnswer { messages: messages.collect(), passed_over: taken.passed_over, quarantined: taken.quarantined };
    (status, Json(answer)).into_response()
}

/// The URL as the portal wrote it, for signatures that are made over it: what the balancer says of it, or the request itself.
fn url(parts: &Parts) -> String {
    let said = |name: &str| header(&parts.headers, name);
    let scheme = said("x-forwarded-proto").unwrap_or("http");
    let host = said("x-forwarded-host").or_else(|| said("host")).unwrap_or_default();
    let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    format!("{scheme}://{host}{}", path.path_and_query().map_or("/", |path| path.as_str()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // The first of several: what the balancer nearest to the portal said.
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

impl From<HookError> for Problem {
    fn from(refused: HookError) -> Self {
        if let HookError::Unmapped(unmapped) = refused {
            return MethodError::from(SupportError::from(unmapped)).into();
        }
        let (status, code) = match &refused {
            HookError::UnknownPortal => (StatusCode::NOT_FOUND, "unknown_portal"),
            HookError::Unverified(_) => (StatusCode::UNAUTHORIZED, "unverified"),
            HookError::Unmapped(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unmapped"),
            HookError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            HookError::UnknownSession(_) => (StatusCode::NOT_FOUND, "unknown_session"),
            HookError::LogFull => (StatusCode::CONFLICT, "log_full"),
            HookError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self::new(status, code, refused.to_string())
    }
}
