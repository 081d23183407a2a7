//! `notify`: tells all devices of a user something of the product's.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb, rest::USER,
};
use crate::chat::Chat;
use hubbub_core::{
    limits::DATA_BYTES,
    live::wake::Wake,
    model::{ids::UserId, json::Json},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// See the module.
pub struct Notify;

/// An event for all devices of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserEvent {
    /// Any JSON, at most 16 KiB.
    #[schema(value_type = Value)]
    event: Box<RawValue>,
}

impl Method for Notify {
    const NAME: &'static str = "notify";
    const DOC: Doc = Doc {
        summary: "Tells all devices of a user that are connected now, on whichever instance. Nothing is kept.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (UserId, Json);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, (user, event): (UserId, Json)) -> Result<Nothing, MethodError> {
        chat.announcer.announce(&[Wake::Notify { user, event: event.as_str().to_owned() }]);
        Ok(Nothing {})
    }
}

impl RestMethod for Notify {
    const ROUTE: Route = Route {
        tag: "users",
        success: &[202],
        is_silent: true,
        problems: &[422],
        example: r#"{"event":{"badge":3}}"#,
        ..Route::new(Verb::Post, "/v1/users/{user}/notify", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<UserEvent>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (UserId, Json)), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        Ok((Actor::backend(), (user, Json::parse("event", &asked.body.0.event, DATA_BYTES)?)))
    }
}
