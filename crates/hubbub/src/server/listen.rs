//! Connections, from the first byte to the last: what is answered before there is a chat and while the server goes.

use super::{
    door::{self, Door},
    files::Spare,
    timely::Timely,
};
use crate::{
    features::portals::Workers,
    gateway::{
        CONNECTIONS, Gateway,
        pauses::{Patience, Pauses},
        stream::Lifeline,
        tcp::{Tcp, bound_segments},
    },
    log::Seldom,
    problem::{Json, Problem},
    strangers::{Fault, Full, Strangers, Visitor},
};
use axum::{
    Router,
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
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
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

static NOT_ACCEPTED: Seldom = Seldom::new();
static BAD_REQUEST: Seldom = Seldom::new();

/// Accepts connections until it is aborted. Nobody waits to be accepted: whoever asks for our health would wait, too.
pub(super) async fn serve(
    listener: TcpListener,
    door: Arc<Door>,
    strangers: Arc<Strangers>,
    app: App,
    phase: watch::Receiver<Phase>,
) {
    let (mut accepted, mut spare) = (0_u32, Spare::take());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let visitor = match door.side {
                    door::Side::Public => strangers.arrives(peer.ip()),
                    door::Side::Admin => strangers.inside(peer.ip()),
                };
                tokio::spawn(welcome(stream, visitor, door.clone(), app.clone(), phase.clone()));
                spare.fill();
                accepted = accepted.wrapping_add(1);
                if accepted.is_multiple_of(limits::ACCEPTS) {
                    // Whoever is here goes first: the others wait in the kernel, and cost nothing there.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: strangers go, and what is kept for this is given.
                strangers.make_room();
                if let Some(passed_over) = NOT_ACCEPTED.tell() {
                    tracing::warn!(%error, passed_over, "cannot accept a connection");
                }
                if !spare.give() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn welcome(
    stream: TcpStream,
    visitor: Arc<Visitor>,
    door: Arc<Door>,
    app: App,
    mut phase: watch::Receiver<Phase>,
) {
    let served = async {
        let stream = match &door.tls {
            None => Some(Tcp::from(stream)),
            Some(tls) => tokio::select! {
                stream = tls.accept(stream) => stream,
                () = is_closing(&mut phase) => None,
            },
        };
        if let Some(stream) = stream {
            serve_one(stream.of(visitor.clone()), visitor.clone(), door, app, phase).await;
        }
    };
    tokio::select! {
        () = served => {}
        () = visitor.cut() => {}
    }
}

async fn is_closing(phase: &mut watch::Receiver<Phase>) {
    drop(phase.wait_for(|phase| *phase == Phase::Closing).await);
}

async fn serve_one(stream: Tcp, visitor: Arc<Visitor>, door: Arc<Door>, app: App, phase: watch::Receiver<Phase>) {
    stream.bound_buffers();
    let lifeline = Lifeline::default();
    let of_requests = lifeline.clone();
    let (now, of_service) = (phase.clone(), visitor.clone());
    let answers = move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(of_requests.clone());
        request.extensions_mut().insert(of_service.clone());
        let (door, app, now, visitor) = (door.clone(), app.clone(), now.clone(), of_service.clone());
        async move {
            // Who waits to be asked for a body has sent none, and may go on with another request.
            let asks_first = request.headers().contains_key(header::EXPECT);
            let request = request.map(|body| {
                let body = Timely::new(body, limits::BODY_WITHIN, visitor.clone());
                Body::new(if asks_first { body.unread() } else { body })
            });
            answer(request, &door, &app, &now, &visitor).await
        }
    };
    let Err(error) = converse(stream, Patience::LIMITS, answers, lifeline, phase).await else { return };
    tracing::debug!(%error, "an HTTP connection ended badly");
    if error.is_parse() {
        visitor.all().metrics().strangers.refused("head");
        if let Some(passed_over) = BAD_REQUEST.tell() {
            tracing::info!(%error, passed_over, "what came is no HTTP request");
        }
    }
}

/// Requests and answers on one connection, until it ends or is ended: by the client, by a pause that is too long, by the last
/// answer of one that is over.
async fn converse<S, F>(
    stream: S,
    patience: Patience,
    answers: impl Fn(Request<hyper::body::Incoming>) -> F,
    lifeline: Lifeline,
    mut phase: watch::Receiver<Phase>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response>,
{
    let (pauses, stream) = Pauses::of(stream);
    let (of_service, asked) = (pauses.clone(), AtomicU32::new(0));
    let service = hyper::service::service_fn(move |request| {
        let asked = of_service.asked(asked.fetch_add(1, Relaxed));
        let answer = answers(request);
        async move { Ok::<_, Infallible>(asked.until_answered(answer.await)) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // It would know one time for both pauses.
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A stream that is over was the last response of its connection; who does not take the rest of it is dropped.
    let abandoned = async {
        let over = async {
            lifeline.over().await;
            tokio::time::sleep(limits::CLOSE_WITHIN).await;
        };
        tokio::select! {
            () = over => {}
            () = pauses.too_long(patience) => {}
        }
    };
    tokio::pin!(connection, abandoned);
    tokio::select! {
        served = connection.as_mut() => served,
        () = abandoned.as_mut() => Ok(()),
        () = is_closing(&mut phase) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection => served,
                () = abandoned => Ok(()),
            }
        }
    }
}

async fn answer(
    request: Request<Body>,
    door: &Door,
    app: &App,
    phase: &watch::Receiver<Phase>,
    visitor: &Visitor,
) -> Response {
    let going = || *phase.borrow() != Phase::Serving;
    let of_stream = request.uri().path() == "/emulation";
    let mut response = match door.enter(request) {
        Ok((request, guest)) => guest.see_off(match visitor.asks(request.uri().path(), request.headers()) {
            Ok(()) => inside(request, door, app, going()).await,
            Err(full) => crowded(full, of_stream),
        }),
        Err(refused) => *refused,
    };
    match visitor.rests() {
        Some(Fault::Slow) => {
            let why = format!("body: it did not come within {} s", limits::BODY_WITHIN.as_secs());
            response = Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", why).into_response();
        }
        Some(Fault::Crowded(full)) => response = crowded(full, of_stream),
        None => {}
    }
    let ends = going() || visitor.is_late();
    if ends && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// To be told to come again. Spread, so that not all do it together.
fn crowded(full: Full, of_stream: bool) -> Response {
    let later = Duration::from_secs(rand::random_range(1..=5));
    let (status, why) = match full {
        Full::Origin => (
            // An SDK whose commands are answered with 429 waits in vain; after 503 it connects again.
            if of_stream { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::TOO_MANY_REQUESTS },
            "too many connections of this address have not said who they are, or have sent too much: come again in a moment",
        ),
        Full::All => (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many connections have not said who they are, or have sent too much: come again in a moment",
        ),
    };
    Problem::new(status, "crowded", why).retry_after(later).into_response()
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_secs(86_400);
    const ASKS: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const STREAMS: &str = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";

    /// The client's end of a connection on which this has come already, however busy the machine is. `/` is answered, and
    /// `/stream` is answered without an end.
    async fn connected(patience: Patience, first: &str) -> DuplexStream {
        let (mut client, server) = tokio::io::duplex(4_096);
        says(&mut client, first).await;
        let answers = |request: Request<hyper::body::Incoming>| {
            let endless = request.uri().path() == "/stream";
            let body = futures_util::stream::pending::<Result<axum::body::Bytes, Infallible>>();
            async move { if endless { Body::from_stream(body).into_response() } else { "ok\n".into_response() } }
        };
        tokio::spawn(async move {
            let (_going, phase) = watch::channel(Phase::Serving);
            converse(server, patience, answers, Lifeline::default(), phase).await
        });
        client
    }

    async fn says(client: &mut DuplexStream, text: &str) {
        client.write_all(text.as_bytes()).await.expect("it is open");
    }

    async fn is_answered(client: &mut DuplexStream) {
        let mut heard = String::new();
        while !heard.contains("\r\n\r\n") || (heard.contains("content-length") && !heard.ends_with("ok\n")) {
            let byte = client.read_u8().await.expect("it is open");
            heard.push(char::from(byte));
        }
        assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    }

    async fn ends(client: &mut DuplexStream) {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut rest)).await;
        assert!(ended.expect("it is ended").is_ok() && rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }

    #[tokio::test]
    async fn a_head_must_come_soon_and_the_pause_between_two_requests_may_be_long() {
        let patience = Patience { head: SOON, idle: NEVER };
        let (mut idle, mut endless) = (connected(patience, ASKS).await, connected(patience, STREAMS).await);
        is_answered(&mut idle).await;
        is_answered(&mut endless).await;
        for first in ["", "GET / HT"] {
            ends(&mut connected(patience, first).await).await;
        }
        // Of the second request on a connection the head must come as soon.
        let mut begun = connected(patience, ASKS).await;
        is_answered(&mut begun).await;
        says(&mut begun, "GET / HT").await;
        ends(&mut begun).await;
        // These have waited for longer.
        says(&mut idle, ASKS).await;
        is_answered(&mut idle).await;
        says(&mut endless, "GET").await;
    }

    #[tokio::test]
    async fn a_connection_that_is_idle_between_two_requests_is_ended() {
        let patience = Patience { head: NEVER, idle: SOON };
        let (mut silent, mut endless) = (connected(patience, "").await, connected(patience, STREAMS).await);
        is_answered(&mut endless).await;
        let mut idle = connected(patience, ASKS).await;
        is_answered(&mut idle).await;
        ends(&mut idle).await;
        says(&mut endless, "GET").await;
        says(&mut silent, ASKS).await;
        is_answered(&mut silent).await;
        ends(&mut silent).await;
    }
}
