//! `unreact`: takes a reaction back.

use super::{
    Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    react::{ReactData, of_rest},
    rest::{MESSAGE, REACTION, ROOM},
    writing::{InName, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::model::ids::Invalid;

/// See the module.
pub struct Unreact;

impl Method for Unreact {
    const NAME: &'static str = "unreact";
    const DOC: Doc = Doc {
        summary: "Takes one's own reaction back.",
        example: r#"{"room":"general","target":42,"reaction":"👍","key":"5e11…"}
{"id":"0198…","room":"general","seq":46,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:33:00.123Z"}"#,
        more: "One that is not there, or was on a message that was deleted: without `seq`.",
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

impl RpcMethod for Unreact {
    type Data<'a> = ReactData<'a>;

    fn read(data: ReactData<'_>) -> Result<Writing, Invalid> {
        data.writing(false)
    }
}

impl RestMethod for Unreact {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 409, 410, 422],
        idempotency_key: true,
        example: "?from=ana",
        ..Route::new(Verb::Delete, "/v1/rooms/{room}/messages/{seq}/reactions/{reaction}", &[ROOM, MESSAGE, REACTION])
    };
    type Path = (String, u64, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        of_rest(&asked, false)
    }
}
