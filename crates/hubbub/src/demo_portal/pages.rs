//! What the desk serves: webhooks in, and a page for the agent.

use super::desk::{Desk, Mood, is_trial};
use crate::{config::Hosts, http::page};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{
        Html, IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, stream};
use hubbub_core::{
    limits,
    portal::verify::{Signed, Verify},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const PAGE: &str = include_str!("page/desk.html");
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// What the page is made of besides: its path, its type, and what it is. Colours and the sign are those of the web page.
const PARTS: [(&str, &str, &str); 6] = [
    ("/tokens.css", CSS, include_str!("../../../../web/src/tokens.css")),
    ("/desk.css", CSS, include_str!("page/desk.css")),
    ("/desk.js", SCRIPT, include_str!("page/desk.js")),
    ("/lines.js", SCRIPT, include_str!("page/lines.js")),
    ("/parts.js", SCRIPT, include_str!("page/parts.js")),
    ("/favicon.svg", "image/svg+xml", include_str!("../../../../web/public/favicon.svg")),
];
/// Longest name of an agent, in characters.
const AGENT_CHARS: usize = 64;

type At = State<Arc<Desk>>;
type Refused = (StatusCode, Json<Value>);

/// Everything but webhooks, which are signed, is answered for these hosts alone.
pub(super) fn router(desk: Arc<Desk>, hosts: Hosts) -> Router {
    let mut pages = Router::new().route("/", get(async || Html(PAGE)));
    for (path, kind, part) in PARTS {
        pages = pages.route(path, get(async move || ([(header::CONTENT_TYPE, kind)], part)));
    }
    let pages = pages
        .route("/conversations", get(async |State(desk): At| Json(desk.shown())))
        .route("/events", get(events))
        .route("/reply", post(reply))
        .route("/again", post(again))
        .route("/state", post(state))
        .route("/mood", post(mood))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), for_us))
        .layer(middleware::from_fn(page::shielded));
    Router::new()
        .route("/webhook", post(webhook))
        .merge(pages)
        .layer(DefaultBodyLimit::max(limits::HOOK_BYTES))
        .with_state(desk)
}

async fn for_us(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    if page::is_for(request.headers(), request.uri(), |host| hosts.have(host)) {
        return next.run(request).await;
    }
    let why = "the desk answers for localhost alone: name other hosts in --host";
    (StatusCode::FORBIDDEN, Json(json!({ "detail": why }))).into_response()
}

/// Verified on the raw bytes, as any portal should.
async fn webhook(State(desk): At, headers: HeaderMap, body: Bytes) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
    let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
    let signed = Signed { method: "POST", url: None, query: None, headers: &header, body: &body, path_secret: None };
    if let Err(why) = Verify::default().verify(&[&desk.secrets.outgoing], &signed, now) {
        desk.refuse();
        return (StatusCode::UNAUTHORIZED, why.to_string()).into_response();
    }
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let Ok(json) = serde_json::from_slice(&body) else {
        return (StatusCode::BAD_REQUEST, "no JSON").into_response();
    };
    if is_trial(id, &json) {
        return StatusCode::NO_CONTENT.into_response();
    }
    match desk.mood() {
        Mood::Well => desk.hear(id, &json),
        Mood::Failing => return (StatusCode::SERVICE_UNAVAILABLE, "the agent has said so").into_response(),
        Mood::Silent => std::future::pending().await,
    }
    StatusCode::NO_CONTENT.into_response()
}

/// Everything, again with each change.
async fn events(State(desk): At) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = desk.changes.subscribe();
    let first = stream::iter([()]);
    let later = stream::unfold(changes, |mut changes| async {
        changes.changed().await.ok()?;
        Some(((), changes))
    });
    let shown = first.chain(later).map(move |()| Ok(Event::default().data(desk.shown().to_string())));
    Sse::new(shown).keep_alive(KeepAlive::default())
}

#[derive(Deserialize)]
struct Reply {
    session: String,
    text: String,
    agent: String,
}

#[derive(Deserialize)]
struct Again {
    session: String,
    webhook: String,
}

#[derive(Deserialize)]
struct NewState {
    session: String,
    state: String,
}

#[derive(Deserialize)]
struct NewMood {
    mood: String,
}

fn refused(why: impl Into<String>) -> Refused {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": why.into() })))
}

/// Only the desk's own page may ask; what another page can send without asking first is no JSON by its content type.
fn own_page(headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let (origin, host) = (text(header::ORIGIN), text(header::HOST).unwrap_or_default());
    let own = origin.is_none_or(|origin| origin.split("://").nth(1) == Some(host));
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    if own && kind.split(';').next() == Some("application/json") {
        return Ok(());
    }
    Err((StatusCode::FORBIDDEN, Json(json!({ "detail": "only the desk's own page may ask this, in JSON" }))))
}

fn read<'a, T: Deserialize<'a>>(headers: &HeaderMap, body: &'a Bytes) -> Result<T, Refused> {
    own_page(headers)?;
    serde_json::from_slice(body).map_err(|error| refused(error.to_string()))
}

async fn reply(State(desk): At, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let Reply { session, text, agent } = read(&headers, &body)?;
    let text = text.trim().to_owned();
    if text.is_empty() || text.len() > limits::TEXT_BYTES {
        return Err(refused(format!("text: 1 to {} bytes", limits::TEXT_BYTES)));
    }
    let mut agent: String = agent.trim().chars().take(AGENT_CHARS).collect();
    if agent.is_empty() {
        "Agent".clone_into(&mut agent);
    }
    tokio::spawn(async move { desk.answer(session, text, agent).await });
    Ok(StatusCode::ACCEPTED)
}

async fn again(State(desk): At, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let Again { session, webhook } = read(&headers, &body)?;
    if !desk.retry(&session, &webhook) {
        return Err(refused("webhook: no answer that failed has this id"));
    }
    tokio::spawn(async move { desk.send(&session, &webhook).await });
    Ok(StatusCode::ACCEPTED)
}

async fn state(State(desk): At, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let NewState { session, state } = read(&headers, &body)?;
    hubbub_core::model::ids::RoomId::parse_as("session", &session).map_err(|invalid| refused(invalid.to_string()))?;
    desk.set_state(&session, &state).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mood(State(desk): At, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let NewMood { mood } = read(&headers, &body)?;
    desk.set_mood(match mood.as_str() {
        "well" => Mood::Well,
        "failing" => Mood::Failing,
        "silent" => Mood::Silent,
        _ => return Err(refused("mood: one of well, failing, silent")),
    });
    Ok(StatusCode::NO_CONTENT)
}
