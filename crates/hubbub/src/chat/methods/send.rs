//! `send`: puts a message into a room's log.
//!
//! Clients' sends keep the order of their connection in a room. So there is [`queue`], which has put the message into the
//! queue of its room when it returns.

use super::{
    Actor, Cost, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM, views::room,
};
use crate::chat::{
    Chat, ChatError,
    log::{admission, committer::Submitted},
};
use hubbub_core::{
    log::{
        checks,
        entry::{Outcome, Place},
        kinds::Message,
        source::Source,
    },
    model::ids::{Invalid, Key, RoomId, UserId},
    wire::{error::CommandError, rpc::RawData},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};
use utoipa::ToSchema;

/// See the module.
pub struct SendMessage;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// The room.
    pub room: RoomId,
    /// The client's key; without one nothing is recognised when it is sent again.
    pub key: Option<Key>,
    /// What is said.
    pub message: Message,
}

/// Where a message went.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentView {
    /// The message's id, a UUID.
    id: String,
    /// The room.
    room: String,
    /// Its number in the room.
    seq: u64,
    /// What that number counts in.
    epoch: String,
    /// When the store took it.
    at: String,
}

impl SentView {
    /// An acknowledgement.
    pub fn new(room: &RoomId, place: Place) -> Self {
        Self {
            id: place.id.to_string(),
            room: room.to_string(),
            seq: place.seq.get(),
            epoch: place.epoch.to_string(),
            at: place.at.to_string(),
        }
    }
}

impl Method for SendMessage {
    const NAME: &'static str = "send";
    const COST: Cost = Cost::Send;
    const DOC: Doc = Doc {
        summary: "Puts a message into a room's log. The sender must be a member. Answered after the commit.",
        example: r#"{"room":"general","key":"4f6c…","text":"hi","data":{"order":17},"reply_to":41}
{"id":"0198…","room":"general","seq":42,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:30:00.123Z"}"#,
        more: "`text`, `data` (any JSON but null) or both. `reply_to` is the seq of an entry of the room. `key` (over REST \
            `Idempotency-Key`) makes it happen once: make one per message,
keep it for every attempt. The same key with the same body is answered with the first message's place; with another body,
409. Sends of one connection to one room are committed in the order they were sent.",
    };
    type On = Chat;
    type Request = SendRequest;
    type Output = SentView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: SendRequest) -> Result<SentView, MethodError> {
        chat.quota().check(&request.message.content)?;
        // The backend knows its rooms.
        Ok(queue(chat, &by.source, &by.user, request, true)?.committed().await?)
    }
}

/// A message in the queue of its room.
pub struct Queued {
    room: RoomId,
    submitted: Submitted,
}

impl Queued {
    /// Where it is in the log, once it is committed.
    ///
    /// # Errors
    /// Why it is not in the log; with [`ChatError::Unavailable`] it may be.
    pub async fn committed(self) -> Result<SentView, ChatError> {
        sent(&self.room, self.submitted.outcome().await?)
    }

    /// The same for who has a timer for many: see [`Submitted::outcome_when_polled`].
    ///
    /// # Errors
    /// As above.
    pub async fn committed_when_polled(self) -> Result<SentView, ChatError> {
        sent(&self.room, self.submitted.outcome_when_polled().await?)
    }
}

fn sent(room: &RoomId, outcome: Outcome) -> Result<SentView, ChatError> {
    // A message always changes something.
    let place = admission::place(outcome)?.ok_or(ChatError::Unavailable)?;
    Ok(SentView::new(room, place))
}

/// Puts a message into the queue of its room. `vetted`: whoever sends it is known to read the room.
///
/// # Errors
/// It was not even queued.
pub fn queue(
    chat: &Chat,
    source: &Source,
    from: &UserId,
    request: SendRequest,
    vetted: bool,
) -> Result<Queued, ChatError> {
    let room = request.room.clone();
    Ok(Queued { room, submitted: chat.send(source, from, request, vetted)? })
}

/// `data` of a call.
#[derive(Deserialize)]
pub struct SendData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    reply_to: Option<u64>,
}

impl SendData<'_> {
    const FIELDS: [&'static str; 5] = ["room", "key", "text", "data", "reply_to"];

    fn check(self, room: RoomId) -> Result<SendRequest, Invalid> {
        let key = self.key.as_deref().map(Key::parse).transpose()?;
        let message = checks::message(self.text.as_deref(), self.data, self.reply_to)?;
        Ok(SendRequest { room, key, message })
    }
}

impl RpcMethod for SendMessage {
    type Data<'a> = SendData<'a>;

    fn read(data: SendData<'_>) -> Result<SendRequest, Invalid> {
        let room = room(data.room.as_deref())?;
        data.check(room)
    }
}

impl SendMessage {
    /// Reads the data of a call.
    ///
    /// # Errors
    /// Where it makes no sense.
    pub fn read_call(data: &RawData) -> Result<SendRequest, CommandError> {
        Ok(Self::read(data.read()?)?)
    }
}

/// What a `publish` into a room means: a text, an object with fields of `send` and no others, or any other JSON as a message's
/// data, whole.
///
/// # Errors
/// As those of `send`; and where such an object names another room.
pub fn published(room: RoomId, data: &RawData) -> Result<SendRequest, CommandError> {
    if let Ok(text) = serde_json::from_str::<Cow<'_, str>>(data.as_str()) {
        return Ok(SendRequest { room, key: None, message: checks::message(Some(&text), None, None)? });
    }
    let is_send = serde_json::from_str::<HashMap<Cow<'_, str>, IgnoredAny>>(data.as_str())
        .is_ok_and(|fields| fields.keys().all(|name| SendData::FIELDS.contains(&&**name)));
    match data.read::<SendData<'_>>() {
        Ok(send) if is_send && (send.text.is_some() || send.data.is_some()) => {
            if send.room.as_deref().is_some_and(|named| named != room.as_str()) {
                return Err(Invalid::new("room", "not that of the channel").into());
            }
            Ok(send.check(room)?)
        }
        _ => {
            let raw: &RawValue = serde_json::from_str(data.as_str()).map_err(CommandError::bad_request)?;
            Ok(SendRequest { room, key: None, message: checks::message(None, Some(raw), None)? })
        }
    }
}

/// A message to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Who says it: a member.
    from: String,
    /// At most 8 KiB.
    text: Option<String>,
    /// Any JSON, at most 16 KiB and 16 levels.
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// The seq of the entry this answers.
    reply_to: Option<u64>,
}

impl RestMethod for SendMessage {
    const ROUTE: Route = Route {
        tag: "messages",
        success: &[201],
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        example: r#"{"from":"ana","text":"hi"}"#,
        ..Route::new(Verb::Post, "/v1/rooms/{room}/messages", &[ROOM])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewMessage>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, SendRequest), MethodError> {
        let JsonBody(new) = &asked.body;
        let (room, from) = (RoomId::parse(&asked.path)?, UserId::parse_outsider("from", &new.from)?);
        let message = checks::message(new.text.as_deref(), new.data.as_deref(), new.reply_to)?;
        Ok((Actor::for_user(from), SendRequest { room, key: asked.key()?, message }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Result<SendRequest, CommandError> {
        SendMessage::read_call(&RawData::from_json(data))
    }

    #[test]
    fn what_is_missing_or_too_long_is_named() {
        for (data, why) in [
            (r#"{"text":"hi"}"#, "bad request: room: missing"),
            (r#"{"room":"r"}"#, "bad request: text: missing"),
            (
                &format!(r#"{{"room":"r","text":"{}"}}"#, "x".repeat(8193)),
                "bad request: text: 8193 bytes; the limit is 8192",
            ),
            ("[1]", "bad request: data: a JSON object is expected"),
        ] {
            let error = read(data).unwrap_err();
            assert_eq!((error.code, &*error.message), (107, why));
        }
    }

    #[test]
    fn a_publish_is_a_text_or_a_send_or_data() {
        for (data, text, kept, key) in [
            (r#""hi""#, "hi", None, None),
            (r#"{"text":"hi","key":"k"}"#, "hi", None, Some("k")),
            (r#"{"data":{"n":1},"room":"r"}"#, "", Some(r#"{"n":1}"#), None),
            (r#"{"lat":1.5,"key":"k"}"#, "", Some(r#"{"lat":1.5,"key":"k"}"#), None),
            (r#"{"text":"hi","color":"red"}"#, "", Some(r#"{"text":"hi","color":"red"}"#), None),
            (r#"{"text":5}"#, "", Some(r#"{"text":5}"#), None),
            (r#"{"key":"k"}"#, "", Some(r#"{"key":"k"}"#), None),
            ("{}", "", Some("{}"), None),
            ("[1, 2]", "", Some("[1,2]"), None),
        ] {
            let send = published(RoomId::parse("r").unwrap(), &RawData::from_json(data)).unwrap();
            assert_eq!(send.message.content.text.as_str(), text);
            assert_eq!(send.message.content.data.as_ref().map(hubbub_core::model::json::Json::as_str), kept);
            assert_eq!(send.key.as_ref().map(Key::as_str), key);
        }
        let elsewhere = RawData::from_json(r#"{"text":"hi","room":"elsewhere"}"#);
        let error = published(RoomId::parse("r").unwrap(), &elsewhere).unwrap_err();
        assert_eq!((error.code, &*error.message), (107, "bad request: room: not that of the channel"));
    }
}
