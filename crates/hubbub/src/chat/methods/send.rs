//! `send`: puts a message into a room's log.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM,
    views::room,
    writing::{InName, Writing},
};
use crate::chat::{Chat, ChatError};
use hubbub_core::{
    log::{
        checks::{self, Said},
        entry::Place,
        kinds::{Message, What},
    },
    model::{
        ids::{Invalid, Key, RoomId},
        seq::Seq,
    },
    wire::{error::CommandError, rpc::RawData},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};
use utoipa::ToSchema;

/// See the module.
pub struct SendMessage;

/// Where a message went.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentView {
    /// The message's id, a UUID.
    id: String,
    /// The room.
    room: String,
    /// Its number in the room.
    seq: u64,
    /// The epoch that the number belongs to: it changes when a backup is restored.
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
    const DOC: Doc = Doc {
        summary: "Puts a message into a room's log. The sender must be a member. Answered after the commit.",
        example: r#"{"room":"general","key":"4f6c…","text":"hi","data":{"order":17},"reply_to":41}
{"id":"0198…","room":"general","seq":42,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:30:00.123Z"}"#,
        more: r#"`text`, `data` (any JSON but null) or both. `reply_to` is the seq of a message of the room. `key` (over REST `Idempotency-Key`) makes it happen once: make one per message,
keep it for every attempt. The same key with the same body is answered with the first message's place; with another body,
409. What one connection writes into one room, by whatever method, is committed in the order it was sent.

`"mentions":["ben"]` names members (at most 50; who is none is named in the error), in no order: they are kept by id, each once. `"mention_all":true` means everybody. `"thread":40` puts the message into the
thread of message 40, which is in no thread itself; with `"in_room":true` it is shown in the room, too."#,
    };
    type On = Chat;
    type Request = Writing;
    type Output = SentView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.write::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<SentView, MethodError> {
        let room = writing.room.clone();
        // A message always changes something.
        let place = writing.write(chat, by).await?.ok_or(ChatError::Unavailable)?;
        Ok(SentView::new(&room, place))
    }
}

/// `data` of a call.
#[derive(Deserialize, ToSchema)]
pub struct SendData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    /// What makes it happen once: make one per message, keep it for every attempt.
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    /// What is said. This, `data` or both.
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    /// Any JSON but null.
    #[schema(value_type = Option<Value>)]
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// The message that this answers.
    reply_to: Option<u64>,
    /// Who is mentioned: members, in no order.
    mentions: Option<Vec<Cow<'a, str>>>,
    /// Whether everybody is mentioned.
    mention_all: Option<bool>,
    /// The message whose thread this is in.
    thread: Option<u64>,
    /// Whether it is shown in the room although it is in a thread.
    in_room: Option<bool>,
}

/// What is said, and where: the same however it is asked for.
struct NewParts<'a> {
    said: Said<'a>,
    reply_to: Option<u64>,
    thread: Option<u64>,
    in_room: Option<bool>,
}

impl NewParts<'_> {
    fn check(self) -> Result<What, Invalid> {
        let content = checks::content(self.said)?;
        let (thread, in_room) = checks::in_thread(self.thread, self.in_room.unwrap_or_default())?;
        Ok(What::Message(Message { content, reply_to: self.reply_to.map(Seq::new), thread, in_room }))
    }
}

/// A message of data alone or of a text alone.
fn plain(text: Option<&str>, data: Option<&RawValue>) -> Result<What, Invalid> {
    Ok(What::Message(checks::message(text, data, None)?))
}

impl SendData<'_> {
    const FIELDS: [&'static str; 9] =
        ["room", "key", "text", "data", "reply_to", "mentions", "mention_all", "thread", "in_room"];

    fn check(self, room: RoomId) -> Result<Writing, Invalid> {
        let key = self.key.as_deref().map(Key::parse).transpose()?;
        let said = Said {
            text: self.text.as_deref(),
            data: self.data,
            mentions: self.mentions.as_deref().unwrap_or_default(),
            mention_all: self.mention_all.unwrap_or_default(),
        };
        let Self { reply_to, thread, in_room, .. } = self;
        Ok(Writing::new(room, key, NewParts { said, reply_to, thread, in_room }.check()?))
    }
}

impl RpcMethod for SendMessage {
    type Data<'a> = SendData<'a>;

    fn read(data: SendData<'_>) -> Result<Writing, Invalid> {
        let room = room(data.room.as_deref())?;
        data.check(room)
    }
}

/// What a `publish` into a room means: a text, an object with fields of `send` and no others, or any other JSON as a message's
/// data, whole.
///
/// # Errors
/// As those of `send`; and where such an object names another room.
pub fn published(room: RoomId, data: &RawData) -> Result<Writing, CommandError> {
    if let Ok(text) = serde_json::from_str::<Cow<'_, str>>(data.as_str()) {
        return Ok(Writing::new(room, None, plain(Some(&text), None)?));
    }
    let is_send = serde_json::from_str::<HashMap<Cow<'_, str>, IgnoredAny>>(data.as_str()).is_ok_and(|fields| {
        // What names nothing that could be said is somebody's data.
        fields.keys().all(|name| SendData::FIELDS.contains(&&**name))
            && fields.keys().any(|name| SAYING.contains(&&**name))
    });
    if is_send {
        let send = data.read::<SendData<'_>>()?;
        if send.text.is_some() || send.data.is_some() {
            if send.room.as_deref().is_some_and(|named| named != room.as_str()) {
                return Err(Invalid::new("room", "not that of the channel").into());
            }
            return Ok(send.check(room)?);
        }
    }
    let raw: &RawValue = serde_json::from_str(data.as_str()).map_err(CommandError::bad_request)?;
    Ok(Writing::new(room, None, plain(None, Some(raw))?))
}

/// The fields with which something is said.
const SAYING: [&str; 2] = ["text", "data"];

/// A message to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Who says it: a member. It is required, here or in the query.
    pub(super) from: Option<String>,
    /// At most 8 KiB.
    pub(super) text: Option<String>,
    /// Any JSON, at most 16 KiB and 16 levels.
    #[schema(value_type = Value, required = false)]
    pub(super) data: Option<Box<RawValue>>,
    /// The seq of the message this answers.
    pub(super) reply_to: Option<u64>,
    /// Who is mentioned: at most 50 members, in no order.
    #[schema(max_items = 50)]
    pub(super) mentions: Option<Vec<String>>,
    /// Whether everybody is mentioned.
    pub(super) mention_all: Option<bool>,
    /// The seq of the message whose thread this is in.
    pub(super) thread: Option<u64>,
    /// Whether it is shown in the room although it is in a thread.
    pub(super) in_room: Option<bool>,
}

impl NewMessage {
    /// What is said, checked.
    ///
    /// # Errors
    /// Names the field, and the limit where there is one.
    pub(super) fn what(&self) -> Result<What, Invalid> {
        let mentions: Vec<Cow<'_, str>> = self.mentions.iter().flatten().map(Cow::from).collect();
        let said = Said {
            text: self.text.as_deref(),
            data: self.data.as_deref(),
            mentions: &mentions,
            mention_all: self.mention_all.unwrap_or_default(),
        };
        let Self { reply_to, thread, in_room, .. } = *self;
        NewParts { said, reply_to, thread, in_room }.check()
    }
}

impl RestMethod for SendMessage {
    const ROUTE: Route = Route {
        tag: "messages",
        success: &[201],
        problems: &[403, 404, 409, 410, 422],
        idempotency_key: true,
        example: r#"{"from":"ana","text":"hi"}"#,
        ..Route::new(Verb::Post, "/v1/rooms/{room}/messages", &[ROOM])
    };
    type Path = String;
    type Query = InName;
    type Body = JsonBody<NewMessage>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let JsonBody(new) = &asked.body;
        let (room, by) = (RoomId::parse(&asked.path)?, asked.query.person(new.from.as_deref())?);
        Ok((by, Writing::new(room, asked.key()?, new.what()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{
        log::kinds::Content,
        model::{ids::UserId, json::Json},
    };

    fn read(data: &str) -> Result<Writing, CommandError> {
        Ok(SendMessage::read(RawData::from_json(data).read()?)?)
    }

    fn content(writing: &Writing) -> &Content {
        Content::of(&writing.what).unwrap()
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
            (
                r#"{"room":"r","text":"x","in_room":true}"#,
                "bad request: in_room: only a message in a thread has it; thread is missing",
            ),
            (
                r#"{"room":"r","text":"x","mentions":["a\nb"]}"#,
                "bad request: mentions: control characters are not allowed",
            ),
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
            (r#"{"n":5,"thread":-1}"#, "", Some(r#"{"n":5,"thread":-1}"#), None),
            (r#"{"key":"k"}"#, "", Some(r#"{"key":"k"}"#), None),
            ("{}", "", Some("{}"), None),
            ("[1, 2]", "", Some("[1,2]"), None),
            (r#"{"thread":-1}"#, "", Some(r#"{"thread":-1}"#), None),
        ] {
            let send = published(RoomId::parse("r").unwrap(), &RawData::from_json(data)).unwrap();
            assert_eq!(content(&send).text.as_str(), text);
            assert_eq!(content(&send).data.as_ref().map(Json::as_str), kept);
            assert_eq!(send.key.as_ref().map(Key::as_str), key);
        }
        // An object with fields of `send` and no others is one, and is told what is wrong with it.
        for (wrong, names) in [
            (r#"{"text":5}"#, "text: 5"),
            (r#"{"text":"hi","thread":-1}"#, "-1"),
            (r#"{"data":{},"reply_to":"none of ours"}"#, "reply_to: a string"),
            (r#"{"text":"hi","mentions":"ana"}"#, "mentions: a string"),
            (r#"{"text":"hi","key":""}"#, "key: empty"),
        ] {
            let error = published(RoomId::parse("r").unwrap(), &RawData::from_json(wrong)).unwrap_err();
            assert!(error.code == 107 && error.message.contains(names), "{wrong}: {}", error.message);
        }
        let elsewhere = RawData::from_json(r#"{"text":"hi","room":"elsewhere"}"#);
        let error = published(RoomId::parse("r").unwrap(), &elsewhere).unwrap_err();
        assert_eq!((error.code, &*error.message), (107, "bad request: room: not that of the channel"));
    }

    #[test]
    fn a_message_has_its_place_and_whom_it_mentions_however_it_is_asked_for() {
        let json =
            r#"{"text":"hi","mentions":["ben","ana","ben"],"mention_all":true,"thread":4,"in_room":true,"reply_to":7}"#;
        let by_rpc = read(&json.replacen('{', r#"{"room":"r","#, 1)).unwrap();
        let by_publish = published(RoomId::parse("r").unwrap(), &RawData::from_json(json)).unwrap();
        assert_eq!(by_rpc, by_publish);
        let What::Message(message) = by_rpc.what else { panic!("another kind") };
        assert_eq!((message.thread, message.in_room, message.reply_to), (Some(Seq::new(4)), true, Some(Seq::new(7))));
        let names: Vec<_> = message.content.mentions.iter().map(UserId::as_str).collect();
        assert_eq!((names, message.content.mention_all), (vec!["ana", "ben"], true));
        // In another order it is the same message, also for who tells retries from conflicts.
        let said = |names: &str| read(&format!(r#"{{"room":"r","text":"hi","mentions":{names}}}"#)).unwrap().what;
        assert_eq!(said(r#"["cem","ana","ben"]"#), said(r#"["ben","cem","ben","ana"]"#));
        assert_ne!(said(r#"["cem","ana"]"#), said(r#"["cem","ben"]"#));
    }
}
