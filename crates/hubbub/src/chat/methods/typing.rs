//! `typing`: the readers of a room are told that one types there.

use super::{
    Actor, Doc, Edge, Method, MethodError, Nothing, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM, views::room, writing::InName,
};
use crate::chat::Chat;
use hubbub_core::model::{
    ids::{Invalid, RoomId},
    seq::Seq,
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct Types;

/// Where somebody types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypingRequest {
    /// The room.
    pub room: RoomId,
    /// The root of the thread, where it is in one.
    pub thread: Option<Seq>,
}

impl TypingRequest {
    fn new(room: RoomId, thread: Option<u64>) -> Result<Self, Invalid> {
        match thread {
            Some(0) => Err(Invalid::new("thread", "0; the number of a message is expected")),
            thread => Ok(Self { room, thread: thread.map(Seq::new) }),
        }
    }
}

impl Method for Types {
    const NAME: &'static str = "typing";
    const DOC: Doc = Doc {
        summary: "Tells the readers of a room that one types there, for those who may write into it.",
        example: r#"{"room":"general","thread":42}
{}"#,
        more: "A [signal](#signals): it is over after 6 s, and with the next message of the same person. Say it again every 3 s or so while somebody types; of one person in a room it is told
at most every 2 s, and what comes sooner is answered like the rest and not told. Who may not write is refused as by `send`. `thread` is passed on as it is.",
    };
    type On = Chat;
    type Request = TypingRequest;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: TypingRequest) -> Result<Nothing, MethodError> {
        chat.types(&by.user, &request.room, request.thread).await?;
        Ok(Nothing {})
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct TypingData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    thread: Option<u64>,
}

impl RpcMethod for Types {
    type Data<'a> = TypingData<'a>;

    fn read(data: TypingData<'_>) -> Result<TypingRequest, Invalid> {
        TypingRequest::new(room(data.room.as_deref())?, data.thread)
    }
}

/// Somebody who types.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct TypingPerson {
    /// Who, as over a connection of their own. Here or in the query.
    from: Option<String>,
    /// The root of the thread, where it is in one.
    thread: Option<u64>,
}

impl RestMethod for Types {
    const ROUTE: Route = Route {
        tag: "messages",
        success: &[202],
        is_silent: true,
        problems: &[403, 404, 409, 422],
        example: r#"{"from":"ana","thread":42}"#,
        ..Route::new(Verb::Post, "/v1/rooms/{room}/typing", &[ROOM])
    };
    type Path = String;
    type Query = InName;
    type Body = OptionalJson<TypingPerson>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, TypingRequest), MethodError> {
        let OptionalJson(TypingPerson { from, thread }) = &asked.body;
        let request = TypingRequest::new(RoomId::parse(&asked.path)?, *thread)?;
        // The backend itself has no hands.
        Ok((asked.query.person(from.as_deref())?, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        for (data, why) in [
            ("{}", "room: missing"),
            (r#"{"room":"a b"}"#, "room: only A-Z a-z 0-9 . _ - are allowed"),
            (r#"{"room":"r","thread":0}"#, "thread: 0; the number of a message is expected"),
        ] {
            assert_eq!(Types::read(RawData::from_json(data).read().unwrap()).unwrap_err().to_string(), why);
        }
        let data = RawData::from_json(r#"{"room":"r","thread":7,"later":1}"#);
        assert_eq!(Types::read(data.read().unwrap()).unwrap().thread, Some(Seq::new(7)));
    }
}
