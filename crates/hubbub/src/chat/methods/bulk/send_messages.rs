//! `send_messages`: many messages of whoever into whichever rooms at once.

use super::{BulkWrittenAll, at_once};
use crate::chat::{
    Chat,
    methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb,
        send::NewMessage,
        writing::{InName, Writing},
    },
};
use hubbub_core::{
    limits,
    model::ids::{Invalid, Key, RoomId},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct SendMessages;

/// Messages to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessages {
    /// At most 1,000.
    messages: Vec<MessageOf>,
}

/// One of them, as in `send`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageOf {
    /// The room.
    room: String,
    /// Who says it: a member.
    from: String,
    /// What makes it happen once; without, its part of the `Idempotency-Key`.
    key: Option<String>,
    /// At most 8 KiB.
    text: Option<String>,
    /// Any JSON, at most 16 KiB and 16 levels.
    #[schema(value_type = Value, required = false)]
    data: Option<Box<RawValue>>,
    /// The seq of the message this answers.
    reply_to: Option<u64>,
    /// Who is mentioned: at most 50 members, in no order.
    #[schema(max_items = 50)]
    mentions: Option<Vec<String>>,
    /// Whether everybody is mentioned.
    mention_all: Option<bool>,
    /// The seq of the message whose thread this is in.
    thread: Option<u64>,
    /// Whether it is shown in the room although it is in a thread.
    in_room: Option<bool>,
}

impl MessageOf {
    fn writing(self) -> Result<(Actor, Writing), Invalid> {
        let Self { room, from, key, text, data, reply_to, mentions, mention_all, thread, in_room } = self;
        let by = InName::default().person(Some(&from))?;
        let (room, key) = (RoomId::parse(&room)?, key.as_deref().map(Key::parse).transpose()?);
        let new = NewMessage { from: None, text, data, reply_to, mentions, mention_all, thread, in_room };
        Ok((by, Writing::new(room, key, new.what()?)))
    }
}

impl Method for SendMessages {
    const NAME: &'static str = "send_messages";
    const PATIENCE: Duration = limits::BULK_PATIENCE;
    const DOC: Doc = Doc {
        summary: "Puts many messages into logs at once, those of one room in order; each has its own result, and its own `key`, or its part of an `Idempotency-Key`: that goes by its place, so say the very same list again.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (Option<Key>, Vec<Result<(Actor, Writing), Invalid>>);
    type Output = BulkWrittenAll;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, (key, asked): Self::Request) -> Result<BulkWrittenAll, MethodError> {
        Ok(BulkWrittenAll::new(chat.write_many(key.as_ref(), asked).await))
    }
}

impl RestMethod for SendMessages {
    const ROUTE: Route = Route {
        tag: "bulk",
        problems: &[422],
        idempotency_key: true,
        example: r#"{"messages":[{"room":"general","from":"ana","text":"hi"}]}"#,
        ..Route::new(Verb::Post, "/v1/bulk/messages", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewMessages>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let key = asked.key()?;
        let JsonBody(NewMessages { messages }) = asked.body;
        at_once("messages", messages.len(), limits::MESSAGES_AT_ONCE)?;
        Ok((Actor::backend(), (key, messages.into_iter().map(MessageOf::writing).collect())))
    }
}
