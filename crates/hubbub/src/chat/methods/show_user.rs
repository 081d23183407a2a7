//! `show_user`: what the product said about a user.

use super::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::USER};
use crate::chat::Chat;
use hubbub_core::model::ids::UserId;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// See the module.
pub struct ShowUser;

/// A user, as far as Hubbub knows.
#[derive(Serialize, ToSchema)]
pub struct User {
    /// Who.
    user: String,
    /// What the product says.
    #[schema(value_type = Value)]
    info: Box<RawValue>,
    /// When that was last changed.
    updated: String,
}

impl Method for ShowUser {
    const NAME: &'static str = "show_user";
    const DOC: Doc = Doc { summary: "What the product said about a user.", example: "", more: "" };
    type On = Chat;
    type Request = UserId;
    type Output = User;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, user: UserId) -> Result<User, MethodError> {
        let kept = chat.store.user(&user).await?;
        let (info, updated) =
            kept.ok_or_else(|| MethodError::new(404, "unknown_user", "nothing is kept of this user"))?;
        Ok(User { user: user.to_string(), info: info.to_raw(), updated: updated.to_string() })
    }
}

impl RestMethod for ShowUser {
    const ROUTE: Route = Route { tag: "users", problems: &[404], ..Route::new(Verb::Get, "/v1/users/{user}", &[USER]) };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, UserId), MethodError> {
        Ok((Actor::backend(), UserId::parse_outsider("user", &asked.path)?))
    }
}
