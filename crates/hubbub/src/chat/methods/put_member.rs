//! `put_member`: the product's backend makes somebody a member, gives another role, or bans.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, Verb,
    rest::{ROOM, USER, words},
    writing::{InName, Writing, WrittenView},
};
use crate::chat::{Chat, rooms::MembershipChange};
use hubbub_core::model::{
    access::Role,
    ids::{Invalid, RoomId, UserId},
};
use serde::Deserialize;
use utoipa::{ToSchema, openapi::Object};

/// See the module.
pub struct PutMember;

/// A role to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// What they are to be.
    #[schema(schema_with = role_or_ban, required = true)]
    role: Option<String>,
}

/// A role, or a ban, as the OpenAPI document shows it.
pub fn role_or_ban() -> Object {
    words("What they are to be", &["reader", "member", "moderator", "admin", "banned"])
}

/// What a role makes of somebody. It has to be named: none is taken for another by mistake.
///
/// # Errors
/// Where none is named, or there is no such role.
pub fn change(role: Option<&str>) -> Result<MembershipChange, Invalid> {
    match role {
        Some("banned") => Ok(MembershipChange::Ban),
        Some(role) => Role::parse(role)
            .map(MembershipChange::Become)
            .map_err(|_| Invalid::new("role", "one of reader, member, moderator, admin, banned")),
        None => Err(Invalid::missing("role")),
    }
}

impl Method for PutMember {
    const NAME: &'static str = "put_member";
    const DOC: Doc = Doc {
        summary: "Makes somebody `reader`, `member`, `moderator` or `admin`, or bans (`banned`). Asking again changes nothing.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = Writing;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<WrittenView, MethodError> {
        writing.written(chat, by).await
    }
}

impl RestMethod for PutMember {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        example: r#"{"role":"member"}"#,
        ..Route::new(Verb::Put, "/v1/rooms/{room}/members/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = JsonBody<NewRole>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, JsonBody(new)) = (asked.key()?, &asked.body);
        let (room, user) = (RoomId::parse(&asked.path.0)?, UserId::parse_outsider("user", &asked.path.1)?);
        let change = change(new.role.as_deref())?;
        Ok((asked.query.actor(new.from.as_deref())?, Writing::new(room, key, change.of(user))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_says_what_becomes_of_somebody() {
        assert_eq!(change(None).unwrap_err().to_string(), "role: missing");
        assert_eq!(change(Some("admin")).unwrap(), MembershipChange::Become(Role::Admin));
        assert_eq!(change(Some("banned")).unwrap(), MembershipChange::Ban);
        assert_eq!(
            change(Some("king")).unwrap_err().to_string(),
            "role: one of reader, member, moderator, admin, banned"
        );
    }
}
