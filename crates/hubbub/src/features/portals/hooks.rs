//! `POST /hooks/{portal}`: where portals send theirs. By GET and HEAD some ask whether we are there.

use super::{
    Portals,
    incoming::{Hook, HookError, Taken},
};
use crate::{
    chat::methods::{
        Verb,
        rest::{PathParam, Schemas, schema_of},
    },
    features::portals::{methods::views::PORTAL, store::Portal},
    log::Seldom,
    openapi::{ApiDocument, of_path, problem, success},
    problem::{Json, Problem},
    spans,
    strangers::Visitor,
};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use hubbub_core::{
    limits,
    portal::{challenge::Answer, refused, verify::Signed},
};
use serde::Serialize;
use std::{sync::Arc, time::Instant};
use tracing::Instrument;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Required, path::OperationBuilder, request_body::RequestBodyBuilder,
        schema::SchemaType,
    },
};

/// Its routes: no API key opens them, what the portal's settings say does.
pub fn router(portals: Arc<Portals>) -> Router {
    Router::new()
        .route("/hooks/{portal}", post(take).get(take))
        .route("/hooks/{portal}/{secret}", post(take_with_secret).get(take_with_secret))
        .with_state(portals)
}

/// What the OpenAPI document says of them.
pub fn describe(document: &mut ApiDocument) {
    let secret =
        PathParam::text("secret", "The secret that the portal's settings name, where they do", "s3cret", 1_024);
    for (verb, name, params) in [
        (Verb::Post, "hook", &[PORTAL][..]),
        (Verb::Post, "hook_with_secret", &[PORTAL, secret]),
        (Verb::Get, "ask_hook", &[PORTAL]),
        (Verb::Get, "ask_hook_with_secret", &[PORTAL, secret]),
    ] {
        let mut schemas = Schemas::new();
        let mut operation = OperationBuilder::new().operation_id(Some(name)).tag("portals");
        for param in params {
            operation = operation.parameter(of_path(param));
        }
        let own: &[u16] = if verb == Verb::Post {
            let about = "Where a portal sends its webhooks. What the portal's settings say opens it, no API key.";
            let body =
                ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(SchemaType::AnyValue))).build();
            let body = RequestBodyBuilder::new()
                .content("application/json", body.clone())
                .content("application/x-www-form-urlencoded", body)
                .required(Some(Required::True));
            let shown = schema_of::<HookAnswer>(&mut schemas);
            operation = operation
                .summary(Some(about))
                .request_body(Some(body.build()))
                .response("200", success(200, Some(shown.clone())))
                .response("202", success(202, Some(shown)));
            &[400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503]
        } else {
            let about = "By GET some portals ask whether we are there, with a challenge that is given back.";
            operation = operation.summary(Some(about)).response("200", success(200, None));
            &[400, 401, 403, 404, 405, 408, 429, 503]
        };
        for status in own {
            operation = operation.response(status.to_string(), problem(*status, &mut schemas));
        }
        let path = if params.len() == 1 { "/hooks/{portal}" } else { "/hooks/{portal}/{secret}" };
        document.open_path(verb, path, schemas, operation);
    }
}

static REFUSED: Seldom = Seldom::new();

/// The answer to a webhook: to a repeat the same as to the first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HookAnswer {
    /// The messages that were stored.
    messages: Vec<Stored>,
    /// How many events were not for us.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    passed_over: usize,
    /// How many events name a session that is not known, and are kept.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    quarantined: usize,
    /// Edits and deletions that wait for their message.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    awaited: usize,
    /// Why an edit or a deletion changes nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    unchanged: Vec<&'static str>,
}

/// A message that came of a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stored {
    /// Its id, a UUID.
    id: String,
    /// The session it is in.
    session_id: String,
    /// Its number there.
    seq: u64,
    /// When the store took it.
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
    let method = if request.method() == Method::POST { "POST" } else { "GET" };
    let trace = spans::request(method, Some("/hooks/{portal}"), |name| request.headers().get(name)?.to_str().ok());
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
    let portal = tokio::time::timeout(limits::REQUEST_PATIENCE, portals.portal(name)).await;
    let portal = portal.unwrap_or(Err(HookError::Unavailable));
    let (parts, body) = request.into_parts();
    // Before anything else is said: a signature is over what was sent, and nothing here unpacks that.
    if let Some(coding) = coded(&parts.headers) {
        return Err(packed(portals, &portal, &coding));
    }
    let portal = portal?;
    // All that is waited for but the portal's own body.
    let left = limits::REQUEST_PATIENCE.saturating_sub(began.elapsed());
    let counted = |_: &Problem| portals.metrics().portals.received(portal.id.as_str(), "too_large");
    let visitor = parts.extensions.get::<Arc<Visitor>>();
    let url = portals.support.public_url(&portal.settings).map(|base| {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        format!("{base}{path}")
    });
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bytes = |name: &str| parts.headers.get(name).map(|value| value.as_bytes());
    let signed = Signed {
        method: parts.method.as_str(),
        url: url.as_deref(),
        query: parts.uri.query(),
        headers: &bytes,
        body: &[],
        path_secret: secret,
    };
    let taken = if parts.method == Method::POST {
        if body.size_hint().lower() > limits::HOOK_BYTES as u64 {
            return Err(Problem::too_large(limits::HOOK_BYTES)).inspect_err(counted);
        }
        let body = read(body).await.inspect_err(counted)?;
        if body.starts_with(GZIP) {
            return Err(packed(portals, &Ok(portal), "gzip"));
        }
        let id = refused::ids(&portal.settings).find_map(text);
        let hook = Hook { signed: Signed { body: &body, ..signed }, id, kept: None };
        let taking = tokio::time::timeout(left, portals.take(&portal, hook)).await;
        taking.unwrap_or(Err(HookError::Unavailable))
    } else {
        portals.ask(&portal, &signed)
    };
    match (&taken, visitor) {
        (Err(HookError::Unverified(_)), _) => portals.metrics().strangers.refused("hook"),
        (Err(HookError::NotAsked | HookError::NoChallenge), _) | (_, None) => {}
        // Who asks a question that anybody may ask has not said who they are.
        (Ok(Taken { challenge: Some(_), .. }), _) => {}
        (_, Some(visitor)) => visitor.is_identified(),
    }
    let taken = taken.inspect_err(|refused| {
        if let Some(passed_over) = REFUSED.tell() {
            tracing::info!(portal = %portal.id, %refused, passed_over, "a webhook was not taken");
        }
    });
    match taken {
        Ok(taken) => Ok(shown(taken)),
        Err(refused @ HookError::NotAsked) => {
            let mut response = Problem::from(refused).into_response();
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            Ok(response)
        }
        Err(refused) => Err(refused.into()),
    }
}

/// What a body in gzip begins with, and no JSON and no form.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// How the body is packed, where it says that it is.
fn coded(headers: &HeaderMap) -> Option<String> {
    let said = headers.get_all(header::CONTENT_ENCODING).iter();
    let said = said.flat_map(|value| value.to_str().unwrap_or("?").split(',').map(str::trim).collect::<Vec<_>>());
    let mut packed = said.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    packed.next().map(|coding| coding.chars().take(40).collect())
}

fn packed(portals: &Portals, portal: &Result<Arc<Portal>, HookError>, coding: &str) -> Problem {
    if let Ok(portal) = portal {
        portals.metrics().portals.received(portal.id.as_str(), "packed");
    }
    let why = format!("the content encoding is {coding}; webhooks are taken as they are, without one");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unmapped", why)
}

async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    axum::body::to_bytes(body, limits::HOOK_BYTES).await.map_err(|_| Problem::too_large(limits::HOOK_BYTES))
}

fn shown(taken: Taken) -> Response {
    if let Some(answer) = taken.challenge {
        let (kind, text) = match answer {
            Answer::Nothing => return StatusCode::OK.into_response(),
            Answer::Text(text) => ("text/plain; charset=utf-8", text),
            Answer::Json(json) => ("application/json", json),
        };
        // Some of it is a stranger's: no browser is to guess what it might be.
        return ([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], text).into_response();
    }
    let is_kept = taken.quarantined + taken.awaited > 0;
    let status = if is_kept { StatusCode::ACCEPTED } else { StatusCode::OK };
    let messages = taken.messages.iter().map(|(session, place)| Stored {
        id: place.id.to_string(),
        session_id: session.to_string(),
        seq: place.seq.get(),
        at: place.at.to_string(),
    });
    let answer = HookAnswer {
        messages: messages.collect(),
        passed_over: taken.passed_over,
        quarantined: taken.quarantined,
        awaited: taken.awaited,
        unchanged: taken.idle.iter().map(|why| why.word()).collect(),
    };
    (status, Json(answer)).into_response()
}

impl From<HookError> for Problem {
    fn from(refused: HookError) -> Self {
        let (status, code) = refused.answer();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Self::new(status, code, refused.to_string());
        match refused {
            HookError::TooMany { wait, .. } => problem.retry_after(wait),
            _ => problem,
        }
    }
}
