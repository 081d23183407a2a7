//! Connections, from the first byte to the last: what is answered before there is a chat and while the server goes.

use super::{
    door::{self, Door},
    timely::Timely,
};
use crate::{
    features::portals::Workers,
    gateway::{
        CONNECTIONS, Gateway,
        stream::Lifeline,
        tcp::{Tcp, bound_segments},
    },
    problem::Problem,
};
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
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// Listens, with room for many who come at once.
///
/// # Errors
/// The address is taken, or not ours.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    bound_segments(&socket);
    socket.bind(address)?;
    socket.listen(limits::BACKLOG)
}

/// What answers, once it is there.
pub(super) type App = Arc<OnceLock<Served>>;

/// What answers.
pub(super) struct Served {
    /// At `--listen`, below the base path.
    pub(super) public: Router,
    /// At `--admin-listen`.
    pub(super) admin: Router,
    /// Who is connected.
    pub(super) gateway: Arc<Gateway>,
    /// Who delivers to portals.
    pub(super) workers: Workers,
}

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
pub(super) async fn serve(listener: TcpListener, door: Arc<Door>, app: App, phase: watch::Receiver<Phase>) {
    let greetings = Arc::new(Semaphore::new(limits::GREETINGS));
    let mut accepted = 0_u32;
    loop {
        // Whoever has said what it wants makes room for the next.
        let Ok(greeting) = greetings.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(welcome(stream, greeting, door.clone(), app.clone(), phase.clone()));
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

async fn welcome(
    stream: TcpStream,
    greeting: OwnedSemaphorePermit,
    door: Arc<Door>,
    app: App,
    mut phase: watch::Receiver<Phase>,
) {
    let stream = match &door.tls {
        None => Some(stream.into()),
        Some(tls) => tokio::select! {
            stream = tls.accept(stream) => stream,
            () = is_closing(&mut phase) => None,
        },
    };
    if let Some(stream) = stream {
        serve_one(stream, greeting, door, app, phase).await;
    }
}

async fn is_closing(phase: &mut watch::Receiver<Phase>) {
    drop(phase.wait_for(|phase| *phase == Phase::Closing).await);
}

async fn serve_one(
    stream: Tcp,
    greeting: OwnedSemaphorePermit,
    door: Arc<Door>,
    app: App,
    mut phase: watch::Receiver<Phase>,
) {
    stream.bound_buffers();
    let lifeline = Lifeline::default();
    let of_requests = lifeline.clone();
    let (now, greeting) = (phase.clone(), Mutex::new(Some(greeting)));
    let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(of_requests.clone());
        greeting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (door, app, now) = (door.clone(), app.clone(), now.clone());
        async move { Ok::<_, Infallible>(answer(request.map(timely), &door, &app, &now).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_WITHIN)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A stream that is over was the last response of its connection; who does not take the rest of it is dropped.
    let abandoned = async {
        lifeline.over().await;
        tokio::time::sleep(limits::CLOSE_WITHIN).await;
    };
    tokio::pin!(connection, abandoned);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = abandoned.as_mut() => return,
        () = is_closing(&mut phase) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection => served,
                () = abandoned => return,
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended badly");
    }
}

fn timely(body: hyper::body::Incoming) -> Body {
    Body::new(Timely::new(body, limits::BODY_WITHIN))
}

async fn answer(request: Request<Body>, door: &Door, app: &App, phase: &watch::Receiver<Phase>) -> Response {
    let going = || *phase.borrow() != Phase::Serving;
    let mut response = match door.enter(request) {
        Ok((request, guest)) => guest.see_off(inside(request, door, app, going()).await),
        Err(refused) => *refused,
    };
    if going() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn inside(request: Request<Body>, door: &Door, app: &App, going: bool) -> Response {
    let Some(served) = app.get() else { return starting(&request) };
    match request.uri().path() {
        "/health/ready" if going => not_ready("draining"),
        path if going && path.starts_with(CONNECTIONS) => {
            let why = "this instance is going away: connect again, to another";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", why).into_response()
        }
        _ => {
            let mut router = match door.side {
                door::Side::Public => served.public.clone(),
                door::Side::Admin => served.admin.clone(),
            };
            let Ok(response) = tower_service::Service::call(&mut router, request).await;
            response
        }
    }
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
