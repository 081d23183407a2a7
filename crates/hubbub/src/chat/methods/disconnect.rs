//! `disconnect`: closes all connections of a user.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb,
    rest::{OptionalJson, USER},
};
use crate::chat::Chat;
use hubbub_core::{
    live::wake::Wake,
    model::{farewell::Farewell, ids::UserId},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct DisconnectUser;

/// How a user's connections are closed.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Disconnection {
    /// Whether SDKs are to come back, with another token (3011), or not (3503).
    reconnect: bool,
    /// What is told as the reason: text that is not JSON, without control characters, 1 to 123 bytes.
    reason: Option<String>,
}

impl Method for DisconnectUser {
    const NAME: &'static str = "disconnect";
    const DOC: Doc = Doc {
        summary: "Closes all connections of a user, on whichever instance: with 3503, after which SDKs do not come back (the token \
                  stays good: withhold the next one); with `reconnect` with 3011, after which they come back with another token.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (UserId, Farewell);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, (user, farewell): (UserId, Farewell)) -> Result<Nothing, MethodError> {
        chat.announcer.announce(&[Wake::Disconnect { user, farewell }]);
        Ok(Nothing {})
    }
}

impl RestMethod for DisconnectUser {
    const ROUTE: Route = Route {
        audited: true,
        tag: "users",
        success: &[202],
        is_silent: true,
        problems: &[422],
        example: r#"{"reconnect":true,"reason":"your rights have changed"}"#,
        ..Route::new(Verb::Post, "/v1/users/{user}/disconnect", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = OptionalJson<Disconnection>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (UserId, Farewell)), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        let OptionalJson(Disconnection { reconnect, reason }) = asked.body;
        Ok((Actor::backend(), (user, Farewell::new(reconnect, reason)?)))
    }
}
