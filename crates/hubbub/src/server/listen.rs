//! Connections, from the first byte to the last: what is answered before there is a chat and while the server goes.

use crate::{chat::Chat, http::problem::Problem};
use axum::{
    Json, Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use hubbub_core::limits;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Most of a request that is held before it is understood; the longest head.
const HEAD_BYTES: usize = 64 * 1024;
/// Where sockets are made.
pub(super) const SOCKETS: &str = "/connection/websocket";

/// What answers, once it is there.
pub(super) type App = Arc<OnceLock<(Router, Arc<Chat>)>>;

/// How far the server is on its way. Every connection holds a receiver until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything is answered.
    Serving,
    /// Not ready, and no new sockets; requests are answered.
    Draining,
    /// A connection ends with the request it is at.
    Closing,
}

/// Accepts connections until it is aborted.
pub(super) async fn serve(listener: TcpListener, app: App, phase: watch::Receiver<Phase>) {
    let mut accepted = 0_u32;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_one(stream, app.clone(), phase.clone()));
                accepted = accepted.wrapping_add(1);
                if accepted.is_multiple_of(limits::ACCEPTS) {
                    // Whoever is here goes first: the others wait in the kernel, and cost nothing there.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, app: App, mut phase: watch::Receiver<Phase>) {
    let now = phase.clone();
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let (app, now) = (app.clone(), now.clone());
        async move { Ok::<_, Infallible>(answer(request.map(Body::new), &app, &now).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let closing = async { drop(phase.wait_for(|phase| *phase == Phase::Closing).await) };
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended badly");
    }
}

async fn answer(request: Request<Body>, app: &App, phase: &watch::Receiver<Phase>) -> Response {
    let Some((router, _)) = app.get() else { return starting(&request) };
    let going = || *phase.borrow() != Phase::Serving;
    let mut response = match request.uri().path() {
        "/health/ready" if going() => not_ready("draining"),
        SOCKETS if going() => {
            let why = "this instance is going away: connect again, to another";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", why).into_response()
        }
        _ => {
            let Ok(response) = tower_service::Service::call(&mut router.clone(), request).await;
            response
        }
    };
    if going() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn starting(request: &Request<Body>) -> Response {
    match request.uri().path() {
        "/health/live" => "ok\n".into_response(),
        _ => not_ready("starting"),
    }
}

fn not_ready(status: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": status }))).into_response()
}
