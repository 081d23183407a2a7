//! `remove_member`: removes a member, or lifts a ban.

use super::{
    Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{ROOM, USER},
    writing::{InName, PersonData, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    log::kinds::{Left, What},
    model::ids::{Invalid, RoomId, UserId},
};

/// See the module.
pub struct RemoveMember;

impl Method for RemoveMember {
    const NAME: &'static str = "remove_member";
    const DOC: Doc = Doc {
        summary: "Removes a member, or lifts a ban. For moderators, towards lower roles; admins, towards everybody.",
        example: r#"{"room":"general","user":"ben","key":"8a3f…"}
{"id":"0198…","room":"general","seq":51,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:38:00.123Z"}"#,
        more: "Who is neither a member nor banned: without `seq`.",
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

const fn entry(user: UserId) -> What {
    What::Left(Left { user })
}

impl RpcMethod for RemoveMember {
    type Data<'a> = PersonData<'a>;

    fn read(data: PersonData<'_>) -> Result<Writing, Invalid> {
        data.writing(entry)
    }
}

impl RestMethod for RemoveMember {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        ..Route::new(Verb::Delete, "/v1/rooms/{room}/members/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, OptionalJson(body)) = (asked.key()?, &asked.body);
        // Any id: who came in by a name that is refused today can be removed.
        let (room, user) = (RoomId::parse(&asked.path.0)?, UserId::parse(&asked.path.1)?);
        Ok((asked.query.actor(body.from.as_deref())?, Writing::new(room, key, entry(user))))
    }
}
