//! What `--dev` adds: a page at `/`, the API's reference at `/reference/`, and tokens for anybody who asks.

use super::{
    extract::{Path, Query},
    page,
};
use crate::{
    clock::Clock,
    problem::{Json, Problem},
    token::{self, Requirements},
};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use hubbub_core::model::ids::UserId;
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// How long a token of the page is good: long enough to see it refreshed.
const TTL: Duration = Duration::from_secs(15 * 60);

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Page;

#[derive(Deserialize)]
struct Who {
    user: String,
}

/// What tokens are signed with.
#[derive(Clone)]
pub struct Signing {
    /// The secret.
    pub secret: Arc<str>,
    /// What tokens must say.
    pub required: Requirements,
    /// What time it is.
    pub clock: Arc<Clock>,
}

/// The page and its tokens, with all that it loads.
pub fn router(signing: Signing) -> Router {
    Router::new()
        .route("/dev/token", get(token).with_state(signing))
        .route("/", get(async || file("index.html")))
        // It has the page open without a network, and is in charge of what lies beside it.
        .route("/sw.js", get(async || file("sw.js")))
        .layer(middleware::from_fn(page::shielded))
        .merge(parts())
}

/// The reference, without what it loads: where `/openapi.json` is, which it shows.
pub fn reference() -> Router {
    Router::new()
        // Its own addresses are relative, so the slash matters.
        .route("/reference", get(async || (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "reference/")])))
        .route("/reference/", get(async || file("reference/index.html")))
        .layer(middleware::from_fn(page::shielded))
}

/// What pages load.
pub fn parts() -> Router {
    Router::new()
        .route("/favicon.svg", get(async || file("favicon.svg")))
        .route("/assets/{*path}", get(async |Path(path): Path<String>| file(&format!("assets/{path}"))))
        .layer(middleware::from_fn(page::shielded))
}

async fn token(State(signing): State<Signing>, Query(who): Query<Who>) -> Result<Json<Value>, Problem> {
    let user = UserId::parse_outsider("user", &who.user)?;
    let token = token::make_at(&signing.secret, &signing.required, &user, TTL, signing.clock.now())
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "cannot sign a token"))?;
    Ok(Json(json!({ "token": token, "user": user.as_str() })))
}

fn file(path: &str) -> Response {
    let Some(file) = Page::get(path) else {
        let why =
            if path.ends_with("index.html") { "the page is not built: run `make web`, then build again\n" } else { "" };
        return (StatusCode::NOT_FOUND, why).into_response();
    };
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], file.data).into_response()
}
