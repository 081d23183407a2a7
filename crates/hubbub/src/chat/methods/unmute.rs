//! `unmute`: somebody who was muted may write again.

use super::{
    Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{ROOM, USER},
    writing::{InName, PersonData, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    log::kinds::{Muted, What},
    model::ids::{Invalid, RoomId, UserId},
};

/// See the module.
pub struct Unmute;

impl Method for Unmute {
    const NAME: &'static str = "unmute";
    const DOC: Doc = Doc {
        summary: "Ends a mute before its time. For whoever may mute.",
        example: r#"{"room":"general","user":"ben","key":"d2a8…"}
{"id":"0198…","room":"general","seq":48,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:35:00.123Z"}"#,
        more: "Who is not muted: without `seq`.",
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
    What::Muted(Muted { user, until: None })
}

impl RpcMethod for Unmute {
    type Data<'a> = PersonData<'a>;

    fn read(data: PersonData<'_>) -> Result<Writing, Invalid> {
        data.writing(entry)
    }
}

impl RestMethod for Unmute {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        ..Route::new(Verb::Delete, "/v1/rooms/{room}/members/{user}/mute", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, OptionalJson(body)) = (asked.key()?, &asked.body);
        let (room, user) = (RoomId::parse(&asked.path.0)?, UserId::parse(&asked.path.1)?);
        Ok((asked.query.actor(body.from.as_deref())?, Writing::new(room, key, entry(user))))
    }
}
