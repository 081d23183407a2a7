//! `put_user`: keeps what the product says about a user.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, Nothing, RestMethod, RestRequest, Route, Verb, rest::USER,
};
use crate::chat::Chat;
use hubbub_core::{
    limits::USER_INFO_BYTES,
    model::{ids::UserId, json::Json},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// See the module.
pub struct PutUser;

/// What the product says about a user.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// Any JSON, at most 2 KiB.
    #[schema(value_type = Value)]
    info: Box<RawValue>,
}

impl Method for PutUser {
    const NAME: &'static str = "put_user";
    const DOC: Doc = Doc {
        summary: "Keeps what the product says about a user. The last of this and of tokens holds.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (UserId, Json);
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, user: (UserId, Json)) -> Result<Nothing, MethodError> {
        chat.store.put_users(&[user]).await?;
        Ok(Nothing {})
    }
}

impl RestMethod for PutUser {
    const ROUTE: Route = Route {
        tag: "users",
        success: &[204],
        is_silent: true,
        problems: &[422],
        example: r#"{"info":{"name":"Ana"}}"#,
        ..Route::new(Verb::Put, "/v1/users/{user}", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<Info>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (UserId, Json)), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path)?;
        Ok((Actor::backend(), (user, Json::parse("info", &asked.body.0.info, USER_INFO_BYTES)?)))
    }
}
