//! The requests of clients to whom WebSockets do not get through: one that opens a stream, and one for what they say.

use super::{
    Gateway,
    arrivals::Full,
    client::Client,
    stream::{Framing, Lifeline, Stream},
};
use crate::{
    chat::{
        intake::{Holder, Received, Share},
        streams::Handed,
    },
    strangers::Visitor,
};
use axum::{
    body::{Body, BodyDataStream, HttpBody},
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hubbub_core::{
    limits,
    live::stream_id::StreamId,
    wire::emulation::{Emulated, early_session},
};
use serde::Deserialize;
use std::{future::poll_fn, sync::Arc};
use tracing::Instrument;
use uuid::Uuid;

/// The content type of Protobuf; every other is taken for JSON.
const BINARY: &str = "application/octet-stream";

type Refused = (StatusCode, &'static str);

/// `POST /connection/http_stream`: the body holds the first commands.
pub async fn http_stream(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (on, binary) = (Under::of(&request), is_binary(request.headers()));
    if let Err(full) = gateway.is_open() {
        return come_again(full);
    }
    let first = async { Incoming::new(request, limits::CONNECT_BYTES)?.rest().await };
    match first.await {
        Ok(first) => open(gateway, if binary { Framing::Lengths } else { Framing::Lines }, first, on),
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
            open(gateway, Framing::Events, connect.cf_connect.into(), Under::of(&request))
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
    let unknown = (StatusCode::NOT_FOUND, "session: no such stream\n");
    let key = &gateway.chat.store.identity().hash_key;
    let mut incoming = Incoming::new(request, limits::EMULATION_BODY_BYTES)?;
    // What was not given out here or by another instance is not passed on: nobody can fill the bus with guesses. Nor is more of
    // it read than its name, or room taken for it.
    let early = |beginning: &[u8]| match early_session(beginning, format) {
        Some(session) => StreamId::open(&session, key).map(Some).ok_or(unknown),
        None => Ok(None),
    };
    let stream = if incoming.is_short() { None } else { incoming.until(early).await? };
    let holder = stream.map_or(Holder::Strangers(None), |stream| gateway.chat.streams.holder(stream));
    let mut share = room_for(gateway, holder, incoming.most()).await?;
    let body = incoming.rest().await?;
    let Emulated { session, node, frame } =
        Emulated::parse(body, format).ok_or((StatusCode::BAD_REQUEST, "session, node and data are expected\n"))?;
    if frame.len() > limits::FRAME_BYTES {
        return Err(TOO_LARGE);
    }
    let stream = StreamId::open(&session, key).ok_or(unknown)?;
    share.shrink_to(frame.len());
    match gateway.chat.hand_over(stream, &node, rand::random(), Received { frame, share }).await {
        Handed::Over => Ok(()),
        Handed::Lost => Err((StatusCode::SERVICE_UNAVAILABLE, "commands of this stream were lost: connect again\n")),
        // It has ended: its client knows, or is about to.
        Handed::NotHere if node == gateway.chat.node() => Ok(()),
        Handed::NotHere => Err(unknown),
    }
}

/// Waits until there is room for the body.
async fn room_for(gateway: &Gateway, holder: Holder, bytes: usize) -> Result<Share, Refused> {
    let mut share = gateway.chat.intake.share(holder);
    let room = tokio::time::timeout(limits::RECEIPT_WITHIN, poll_fn(|cx| share.poll_reserve(bytes, cx))).await;
    let busy = (StatusCode::SERVICE_UNAVAILABLE, "too many commands wait on this instance: connect again\n");
    room.map(|()| share).map_err(|_| busy)
}

const CUT_OFF: Refused = (StatusCode::BAD_REQUEST, "the body was cut off\n");
const TOO_LARGE: Refused = (StatusCode::PAYLOAD_TOO_LARGE, "the commands are longer than a frame may be\n");

const NO_SESSION: Refused =
    (StatusCode::PAYLOAD_TOO_LARGE, "session: expected within the first 4096 bytes of a body that is longer\n");

/// A body that comes, which is not waited for without end.
struct Incoming {
    parts: BodyDataStream,
    whole: BytesMut,
    limit: usize,
    most: usize,
}

impl Incoming {
    fn new(request: Request, limit: usize) -> Result<Self, Refused> {
        let body = request.into_body();
        let said = body.size_hint();
        if said.lower() > limit as u64 {
            return Err(TOO_LARGE);
        }
        let most = said.upper().and_then(|most| usize::try_from(most).ok()).unwrap_or(limit).min(limit);
        Ok(Self { parts: body.into_data_stream(), whole: BytesMut::new(), limit, most })
    }

    /// How long it may become.
    const fn most(&self) -> usize {
        self.most
    }

    /// Whether it is short by its own word: such a body is judged as a whole.
    const fn is_short(&self) -> bool {
        self.most <= limits::SESSION_WITHIN_BYTES
    }

    async fn more(&mut self) -> Result<bool, Refused> {
        let Some(part) = self.parts.next().await else { return Ok(false) };
        let part = part.map_err(|_| CUT_OFF)?;
        if self.whole.len() + part.len() > self.limit {
            return Err(TOO_LARGE);
        }
        self.whole.extend_from_slice(&part);
        Ok(true)
    }

    /// Reads until `found` finds something in the first [`limits::SESSION_WITHIN_BYTES`], or to the end of a body that is not
    /// longer.
    async fn until<T>(&mut self, found: impl Fn(&[u8]) -> Result<Option<T>, Refused>) -> Result<Option<T>, Refused> {
        let read = async {
            while self.more().await? {
                let beginning = &self.whole[..self.whole.len().min(limits::SESSION_WITHIN_BYTES)];
                match found(beginning)? {
                    Some(it) => return Ok(Some(it)),
                    None if beginning.len() == limits::SESSION_WITHIN_BYTES => return Err(NO_SESSION),
                    None => {}
                }
            }
            Ok(None)
        };
        in_time(read).await
    }

    /// Reads the rest. The whole body.
    async fn rest(mut self) -> Result<Bytes, Refused> {
        let read = async {
            while self.more().await? {}
            Ok(self.whole.freeze())
        };
        in_time(read).await
    }
}

/// An SDK connects again after 404 and from 500 on. After others it waits for an answer in vain.
async fn in_time<T>(read: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    let slow = (StatusCode::SERVICE_UNAVAILABLE, "the body did not come in time\n");
    tokio::time::timeout(limits::CONNECT_WITHIN, read).await.unwrap_or(Err(slow))
}

fn is_binary(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == BINARY)
}

/// The connection a request came on.
struct Under {
    lifeline: Lifeline,
    visitor: Option<Arc<Visitor>>,
}

impl Under {
    fn of(request: &Request) -> Self {
        let there = request.extensions();
        Self { lifeline: there.get().cloned().unwrap_or_default(), visitor: there.get().cloned() }
    }
}

fn come_again(full: Full) -> Response {
    let (later, why) = full.words(rand::random());
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, later.as_secs())], why).into_response()
}

fn open(gateway: Arc<Gateway>, framing: Framing, first: Bytes, under: Under) -> Response {
    let admitted = match gateway.admit(under.visitor) {
        Ok(admitted) => admitted,
        Err(full) => return come_again(full),
    };
    let lifeline = under.lifeline;
    let chat = &gateway.chat;
    let id = StreamId::new(Uuid::new_v4());
    let address = (id.sealed(&chat.store.identity().hash_key), chat.node());
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
