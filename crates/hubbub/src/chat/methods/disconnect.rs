//! `disconnect`: closes all connections of a user.

use super::{
    Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb, rest::USER,
};
use crate::chat::Chat;
use hubbub_core::{live::wake::Wake, model::ids::UserId};

/// See the module.
pub struct DisconnectUser;

impl Method for DisconnectUser {
    const NAME: &'static str = "disconnect";
    const DOC: Doc = Doc {
        summary: "Closes all connections of a user with 3503, on whichever instance. The token stays good: withhold the next one.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = UserId;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, user: UserId) -> Result<Nothing, MethodError> {
        chat.announcer.announce(&[Wake::Disconnect { user }]);
        Ok(Nothing {})
    }
}

impl RestMethod for DisconnectUser {
    const ROUTE: Route = Route {
        tag: "users",
        success: &[202],
        is_silent: true,
        problems: &[422],
        ..Route::new(Verb::Post, "/v1/users/{user}/disconnect", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, UserId), MethodError> {
        Ok((Actor::backend(), UserId::parse_outsider("user", &asked.path)?))
    }
}
