//! `/health` and `/metrics`: for balancers, and for people at night.

use super::Api;
use crate::bus::Health;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hubbub_core::limits;
use serde_json::{Value, json};

/// 200 as long as the process can answer at all.
pub async fn live() -> &'static str {
    "ok\n"
}

/// 200 also with the store or the bus down, each named in the body: a balancer that fails every instance at once would cut
/// the very sockets that should stay. 503 while starting or draining (answered elsewhere), and when the bus has failed here alone
/// for [`limits::CUT_OFF`]: the others serve better.
pub async fn ready(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let store = if api.chat.metrics.store_up.get() == 1 { "up" } else { "down" };
    let bus = match *api.chat.bus_health().borrow() {
        Health::Up => "up",
        Health::Down => "down",
        Health::Alone => "none",
    };
    let is_cut_off = api.chat.instances.cut_off_for() >= limits::CUT_OFF;
    let status = match (store, bus) {
        _ if is_cut_off => "cut off",
        ("down", _) | (_, "down") => "degraded",
        _ => "ok",
    };
    let code = if is_cut_off { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(json!({ "status": status, "store": store, "bus": bus, "instance": *api.label })))
}

/// The counters.
pub async fn metrics(State(api): State<Api>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], api.chat.metrics_text()).into_response()
}
