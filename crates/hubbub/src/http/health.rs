//! `/health` and `/metrics`: for balancers, and for people at night.

use super::Api;
use crate::{
    bus::Health,
    chat::methods::{Verb, rest::Schemas},
    openapi::{ApiDocument, problem},
    problem::Json,
    token::jwks::Freshness,
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hubbub_core::limits;
use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, ResponseBuilder, Type, path::OperationBuilder};

/// 200 as long as the process can answer at all.
pub async fn live() -> &'static str {
    "ok\n"
}

/// 200 also with the store, the bus or the keys of tokens down, or the clock off, each named in the body: a balancer that fails every instance at
/// once would cut the very sockets that should stay. 503 while starting or draining (answered elsewhere), and when the bus has failed
/// here alone for [`limits::CUT_OFF`]: the others serve better.
pub async fn ready(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let store = if api.chat.metrics.store.is_up() { "up" } else { "down" };
    let bus = match *api.chat.bus_health().borrow() {
        Health::Up => "up",
        Health::Down => "down",
        Health::Alone => "none",
    };
    let keys = api.tokens.freshness();
    let clock_off = api.chat.clock.is_off();
    let is_well = store == "up" && bus != "down" && clock_off.is_none();
    let is_well = is_well && keys.is_none_or(|keys| keys == Freshness::Fresh);
    let is_cut_off = api.chat.instances.cut_off_for() >= limits::CUT_OFF;
    let status = match (is_cut_off, is_well) {
        (true, _) => "cut off",
        (false, true) => "ok",
        (false, false) => "degraded",
    };
    let code = if is_cut_off { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut body = json!({ "status": status, "store": store, "bus": bus, "instance": *api.label });
    // The present reason, and only while there is one.
    if let Some(why) = api.chat.metrics.store.present_reason().filter(|_| store == "down") {
        body["store_reason"] = why.into();
    }
    if let Some(why) = api.chat.bus_trouble().filter(|_| bus == "down") {
        body["bus_reason"] = why.into();
    }
    if api.chat.clock.offset().is_some() {
        body["clock"] = if clock_off.is_some() { "off" } else { "ok" }.into();
    }
    if let Some(seconds) = clock_off {
        body["clock_offset_seconds"] = seconds.round().into();
    }
    if let Some(keys) = keys {
        body["token_keys"] = match keys {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::None => "none",
        }
        .into();
    }
    (code, Json(body))
}

/// What the OpenAPI document says of these paths, and of its own.
pub fn describe(document: &mut ApiDocument) {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let object = || ObjectBuilder::new().schema_type(Type::Object).build();
    let ready = "Whether this instance should be sent clients. 200 also with the store or the bus down: `status` is `degraded` then, and the body says what is wrong.";
    for (path, name, summary, content_type, schema) in [
        ("/health/live", "health_live", "Whether the process answers at all.", "text/plain", text()),
        ("/health/ready", "health_ready", ready, JSON, object()),
        ("/metrics", "metrics", "The counters, for Prometheus.", METRICS, text()),
        ("/openapi.json", "openapi", "This document.", JSON, object()),
    ] {
        let answer = |about: &str| {
            let content = ContentBuilder::new().schema(Some(schema.clone())).build();
            ResponseBuilder::new().description(about).content(content_type, content).build()
        };
        let mut schemas = Schemas::new();
        let mut operation = OperationBuilder::new()
            .operation_id(Some(name))
            .tag("server")
            .summary(Some(summary))
            .response("200", answer("The answer."))
            .response("408", problem(408, &mut schemas));
        if name == "health_ready" {
            operation = operation
                .response("503", answer("It should not: it is starting, stopping or cut off from the others."));
        }
        document.open_path(Verb::Get, path, schemas, operation);
    }
}

const JSON: &str = "application/json";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters.
pub async fn metrics(State(api): State<Api>) -> Response {
    ([(header::CONTENT_TYPE, METRICS)], api.chat.metrics_text()).into_response()
}
