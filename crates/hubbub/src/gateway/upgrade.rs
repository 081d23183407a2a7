//! From an HTTP request to a WebSocket.

use super::{
    Gateway,
    arrivals::{Admitted, Full},
    client::Client,
    pauses::Heard,
    socket::Socket,
    tcp::Tcp,
};
use crate::{chat::intake::Holder, strangers::Visitor};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::BoxFuture;
use hubbub_core::wire::Format;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tracing::Instrument;

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The subprotocols, by which a client says how it writes.
const JSON: &str = "centrifuge-json";
const PROTOBUF: &str = "centrifuge-protobuf";

/// Why a request did not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUpgraded {
    /// It is no upgrade.
    Bad(&'static str),
    /// It has to come later.
    Full(Full),
}

/// `GET /connection/websocket`.
///
/// # Errors
/// Why this is no upgrade, or why it has to come later.
pub async fn upgrade(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Result<Response, NotUpgraded> {
    let accept = check(request.headers()).map_err(NotUpgraded::Bad)?;
    let visitor = request.extensions().get::<Arc<Visitor>>().cloned();
    let admitted = gateway.admit(visitor.clone()).map_err(NotUpgraded::Full)?;
    let (format, protocol) = choose(request.headers(), request.uri().query().unwrap_or_default());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let upgraded = match upgraded.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a client went away during its upgrade"),
        };
        match upgraded.downcast::<TokioIo<Heard<Tcp>>>() {
            Ok(parts) => {
                // The client may not have waited for our answer: what it said already comes first.
                let stream = parts.io.into_inner().into_inner().beginning_with(parts.read_buf);
                serve(gateway, stream, format, admitted, visitor).await;
            }
            Err(upgraded) => {
                // A transport this gateway does not know is not served half.
                let _ = TokioIo::new(upgraded).shutdown().await;
                tracing::error!("upgraded a connection of another kind");
            }
        }
    });
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response.body(Body::empty()).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// Boxed, and the client made inside: a task holds one copy of it, and no room for what the upgrade needed.
fn serve(
    gateway: Arc<Gateway>,
    stream: Tcp,
    format: Format,
    admitted: Admitted,
    visitor: Option<Arc<Visitor>>,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let address = visitor.as_ref().and_then(|visitor| visitor.origin());
        let share = gateway.chat.intake.share(Holder::Strangers(address));
        let mut client = Client::new(gateway, Socket::new(stream, format, share), admitted);
        let span = client.span();
        let run = client.run().instrument(span);
        match visitor {
            None => run.await,
            // Others need its place before it has said who it is: nothing is lost.
            Some(visitor) => tokio::select! {
                () = run => {}
                () = visitor.cut() => {}
            },
        }
    })
}

/// How this client wants to speak, and the subprotocol to be named in the answer. A query says it where a client cannot
/// name a subprotocol.
fn choose(headers: &HeaderMap, query: &str) -> (Format, Option<&'static str>) {
    let (json, protobuf) = (offers(headers, JSON), offers(headers, PROTOBUF));
    let asked = query.split('&').any(|part| matches!(part, "format=protobuf" | "cf_protocol=protobuf"));
    if asked || (protobuf && !json) {
        (Format::Protobuf, protobuf.then_some(PROTOBUF))
    } else {
        (Format::Json, json.then_some(JSON))
    }
}

/// What goes into `Sec-WebSocket-Accept`, or why this is no upgrade.
fn check(headers: &HeaderMap) -> Result<String, &'static str> {
    let is = |name, value: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .any(|v| v.split(',').any(|part| part.trim().eq_ignore_ascii_case(value)))
    };
    if !is(header::CONNECTION, "upgrade") || !is(header::UPGRADE, "websocket") {
        return Err("this address speaks WebSocket: an Upgrade request is expected");
    }
    if !is(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err("Sec-WebSocket-Version: 13 is spoken here");
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or("Sec-WebSocket-Key: missing")?;
    let mut sha = sha1_smol::Sha1::new();
    sha.update(key.as_bytes());
    sha.update(GUID.as_bytes());
    Ok(STANDARD.encode(sha.digest().bytes()))
}

fn offers(headers: &HeaderMap, protocol: &str) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim() == protocol))
}
