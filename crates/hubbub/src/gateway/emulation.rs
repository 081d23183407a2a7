//! The requests of clients to whom WebSockets do not get through: one that opens a stream, and one for what they say.

use super::{
    Gateway,
    client::Client,
    stream::{Framing, Lifeline, Stream},
};
use crate::chat::streams::Handed;
use axum::{
    body::{Body, to_bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hubbub_core::{limits, live::stream_id::StreamId, wire::emulation::Emulated};
use serde::Deserialize;
use std::sync::Arc;
use tracing::Instrument;
use uuid::Uuid;

/// The content type of Protobuf; every other is taken for JSON.
const BINARY: &str = "application/octet-stream";

type Refused = (StatusCode, &'static str);

/// `POST /connection/http_stream`: the body holds the first commands.
pub async fn http_stream(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (lifeline, binary) = (lifeline(&request), is_binary(request.headers()));
    match body(request, limits::FRAME_BYTES).await {
        Ok(first) => open(gateway, if binary { Framing::Lengths } else { Framing::Lines }, first, lifeline),
        Err(refused) => refused.into_response(),
    }
}

#[derive(Deserialize)]
struct Connect {
    cf_connect: String,
}

/// `GET /connection/sse?cf_connect=…`: the query holds the first commands.
pub async fn sse(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    match Query::<Connect>::try_from_uri(request.uri()) {
        Ok(Query(connect)) if !connect.cf_connect.is_empty() => {
            open(gateway, Framing::Events, connect.cf_connect.into(), lifeline(&request))
        }
        _ => (StatusCode::BAD_REQUEST, "cf_connect: the connect command is missing\n").into_response(),
    }
}

/// `POST /emulation`: commands for a stream, on whichever instance that is.
pub async fn emulation(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    match emulate(&gateway, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn emulate(gateway: &Gateway, request: Request) -> Result<(), Refused> {
    let format = if is_binary(request.headers()) { Framing::Lengths } else { Framing::Lines }.format();
    let body = body(request, limits::EMULATION_BODY_BYTES).await?;
    let Emulated { session, node, frame } =
        Emulated::parse(body, format).ok_or((StatusCode::BAD_REQUEST, "session, node and data are expected\n"))?;
    if frame.len() > limits::FRAME_BYTES {
        return Err(TOO_LARGE);
    }
    let unknown = (StatusCode::NOT_FOUND, "session: no such stream\n");
    // What was not given out here or by another instance is not passed on: nobody can fill the bus with guesses.
    let stream = StreamId::open(&session, &gateway.chat.store.identity().hash_key).ok_or(unknown)?;
    match gateway.chat.hand_over(stream, &node, rand::random(), frame) {
        Handed::Over => Ok(()),
        Handed::Full => Err((StatusCode::TOO_MANY_REQUESTS, "too many commands wait for this stream\n")),
        // It has ended: its client knows, or is about to.
        Handed::NotHere if node == gateway.chat.life() => Ok(()),
        Handed::NotHere => Err(unknown),
    }
}

const TOO_LARGE: Refused = (StatusCode::PAYLOAD_TOO_LARGE, "the commands are longer than a frame may be\n");

/// The whole body, which is not waited for without end.
async fn body(request: Request, limit: usize) -> Result<Bytes, Refused> {
    match tokio::time::timeout(limits::CONNECT_WITHIN, to_bytes(request.into_body(), limit)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(TOO_LARGE),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")),
    }
}

fn is_binary(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == BINARY)
}

fn lifeline(request: &Request) -> Lifeline {
    request.extensions().get().cloned().unwrap_or_default()
}

fn open(gateway: Arc<Gateway>, framing: Framing, first: Bytes, lifeline: Lifeline) -> Response {
    let admitted = match gateway.admit() {
        Ok(admitted) => admitted,
        Err(full) => {
            let (later, why) = full.words(rand::random());
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, later.as_secs())], why).into_response();
        }
    };
    let chat = &gateway.chat;
    let id = StreamId::new(Uuid::new_v4());
    let address = (id.sealed(&chat.store.identity().hash_key), chat.life().to_owned());
    let (stream, body) = Stream::new(framing, first, chat.streams.add(id), address, lifeline);
    tokio::spawn(Box::pin(async move {
        let mut client = Client::new(gateway, stream, admitted);
        let span = client.span();
        client.run().instrument(span).await;
    }));
    let kind = match framing {
        Framing::Lines => "application/json",
        Framing::Events => "text/event-stream",
        Framing::Lengths => BINARY,
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), kind),
        (header::CACHE_CONTROL.as_str(), "private, no-cache, no-store, must-revalidate, max-age=0"),
        // nginx passes on what comes when it comes.
        ("x-accel-buffering", "no"),
        // What comes after a stream does not wait for what its client has not read of it.
        (header::CONNECTION.as_str(), "close"),
    ];
    (headers, Body::new(body)).into_response()
}
