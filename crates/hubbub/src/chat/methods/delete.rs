//! `delete`: deletes a message.

use super::{
    Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{MESSAGE, ROOM},
    writing::{InName, MessageData, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    log::kinds::{Deleted, What},
    model::{
        ids::{Invalid, RoomId},
        seq::Seq,
    },
};

/// See the module.
pub struct DeleteMessage;

impl Method for DeleteMessage {
    const NAME: &'static str = "delete";
    const DOC: Doc = Doc {
        summary: "Deletes a message: its content, and that of its edits, is blanked for good. For its author, within the room's `edit_window`, moderators, and the product's backend.",
        example: r#"{"room":"general","target":42,"key":"77c2…"}
{"id":"0198…","room":"general","seq":44,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:32:00.123Z"}"#,
        more: "The entries keep number, id, sender, time and what they answer. Reactions and pin are gone with it. A message that was deleted already: without `seq`.",
    };
    type On = Chat;
    type Request = Writing;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.write::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<WrittenView, MethodError> {
        writing.written(chat, by).await
    }
}

const fn entry(target: Seq) -> What {
    What::Deleted(Deleted { target, of: None })
}

impl RpcMethod for DeleteMessage {
    type Data<'a> = MessageData<'a>;

    fn read(data: MessageData<'_>) -> Result<Writing, Invalid> {
        data.writing(entry)
    }
}

impl RestMethod for DeleteMessage {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 409, 410, 422],
        idempotency_key: true,
        example: "?from=ana",
        ..Route::new(Verb::Delete, "/v1/rooms/{room}/messages/{seq}", &[ROOM, MESSAGE])
    };
    type Path = (String, u64);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, OptionalJson(body)) = (asked.key()?, &asked.body);
        let (room, target) = (RoomId::parse(&asked.path.0)?, Seq::new(asked.path.1));
        Ok((asked.query.actor(body.from.as_deref())?, Writing::new(room, key, entry(target))))
    }
}
