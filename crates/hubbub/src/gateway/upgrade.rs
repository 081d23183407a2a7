//! From an HTTP request to a WebSocket.

use super::{
    Gateway,
    arrivals::{Admitted, Full},
    client::Client,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::BoxFuture;
use hubbub_core::limits;
use hyper_util::rt::TokioIo;
use std::{io::Cursor, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `GET /connection/websocket`.
pub async fn upgrade(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response {
    let accept = match check(request.headers(), request.uri().query().unwrap_or_default()) {
        Ok(accept) => accept,
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    };
    let admitted = match gateway.arrivals.admit() {
        Ok(admitted) => admitted,
        Err(full) => return refuse(full),
    };
    let json = offers(request.headers(), "centrifuge-json");
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let upgraded = match upgraded.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a client went away during its upgrade"),
        };
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let stream = parts.io.into_inner();
                bound_buffers(&stream);
                if parts.read_buf.is_empty() {
                    serve(gateway, stream, admitted).await;
                } else {
                    // The client did not wait for our answer: what it said already comes first.
                    let (read, write) = stream.into_split();
                    let stream = tokio::io::join(Cursor::new(parts.read_buf).chain(read), write);
                    serve(gateway, stream, admitted).await;
                }
            }
            Err(upgraded) => {
                // A transport this gateway does not know is not served half.
                let _ = TokioIo::new(upgraded).shutdown().await;
                tracing::error!("upgraded a connection that is not TCP");
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
    response.body(Body::empty()).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Boxed, and the client made inside: a task holds one copy of it, and no room for what the upgrade needed.
fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    gateway: Arc<Gateway>,
    stream: S,
    admitted: Admitted,
) -> BoxFuture<'static, ()> {
    Box::pin(async move { Client::new(gateway, stream, admitted).run().await })
}

/// Too many are here or on their way; the connection ends with the answer.
fn refuse(full: Full) -> Response {
    let (later, why) = full.words(rand::random());
    let headers = [(header::RETRY_AFTER, later.as_secs().to_string()), (header::CONNECTION, "close".to_owned())];
    (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response()
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
        return Err("this address speaks WebSocket: an Upgrade request is expected\n");
    }
    if !is(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err("Sec-WebSocket-Version: 13 is spoken here\n");
    }
    let protobuf = query.split('&').any(|part| matches!(part, "format=protobuf" | "cf_protocol=protobuf"));
    if protobuf || (offers(headers, "centrifuge-protobuf") && !offers(headers, "centrifuge-json")) {
        return Err("JSON is spoken here, not Protobuf\n");
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or("Sec-WebSocket-Key: missing\n")?;
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

/// Bounds what a client that stops reading, or is not read, keeps in the kernel.
fn bound_buffers(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let bounded = socket
        .set_send_buffer_size(limits::SOCKET_SEND_BUFFER)
        .and_then(|()| socket.set_recv_buffer_size(limits::SOCKET_RECEIVE_BUFFER))
        .and_then(|()| socket.set_tcp_nodelay(true));
    #[cfg(target_os = "linux")]
    let bounded = bounded.and_then(|()| socket.set_tcp_notsent_lowat(limits::SOCKET_NOTSENT_LOWAT));
    if let Err(error) = bounded {
        tracing::debug!(%error, "a client's socket keeps the kernel's own buffer sizes");
    }
}
