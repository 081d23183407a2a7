//! From an HTTP request to a WebSocket.

use super::{Gateway, client::Client, transport::Transport};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `GET /connection/websocket`.
///
/// # Errors
/// Why this is no upgrade.
pub async fn upgrade(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Result<Response, &'static str> {
    let accept = check(request.headers(), request.uri().query().unwrap_or_default())?;
    let json = offers(request.headers(), "centrifuge-json");
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let upgraded = match upgraded.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a client went away during its upgrade"),
        };
        match upgraded.downcast::<TokioIo<Transport>>() {
            Ok(parts) => {
                // The client may not have waited for our answer: what it said already comes first.
                let stream = parts.io.into_inner().beginning_with(parts.read_buf);
                stream.bound_buffers();
                serve(gateway, stream).await;
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
    if json {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, "centrifuge-json");
    }
    Ok(response.body(Body::empty()).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// Boxed, and the client made inside: a task holds one copy of it, and no room for what the upgrade needed.
fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    gateway: Arc<Gateway>,
    stream: S,
) -> BoxFuture<'static, ()> {
    Box::pin(async move { Client::new(gateway, stream).run().await })
}

/// What goes into `Sec-WebSocket-Accept`, or why this is no upgrade.
fn check(headers: &HeaderMap, query: &str) -> Result<String, &'static str> {
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
    let protobuf = query.split('&').any(|part| matches!(part, "format=protobuf" | "cf_protocol=protobuf"));
    if protobuf || (offers(headers, "centrifuge-protobuf") && !offers(headers, "centrifuge-json")) {
        return Err("JSON is spoken here, not Protobuf");
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
