//! `put_member`: the product's backend makes somebody a member, gives another role, or bans.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, Verb,
    rest::{ROOM, USER},
    views::ChangedView,
    writing::InName,
};
use crate::chat::{Chat, rooms::MembershipChange};
use hubbub_core::model::{
    access::Role,
    ids::{Invalid, RoomId, UserId},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct PutMember;

/// A membership to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutMemberRequest {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// What becomes of them.
    pub change: MembershipChange,
}

/// A role to be.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// reader, member (the default), moderator, admin or banned.
    role: Option<String>,
}

/// What a role makes of somebody; a member where none is named.
///
/// # Errors
/// Where there is no such role.
pub fn change(role: Option<&str>) -> Result<MembershipChange, Invalid> {
    match role {
        Some("banned") => Ok(MembershipChange::Ban),
        Some(role) => Role::parse(role)
            .map(MembershipChange::Become)
            .map_err(|_| Invalid::new("role", "one of reader, member, moderator, admin, banned")),
        None => Ok(MembershipChange::Become(Role::Member)),
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
    type Request = PutMemberRequest;
    type Output = ChangedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: PutMemberRequest) -> Result<ChangedView, MethodError> {
        let PutMemberRequest { room, user, change } = request;
        let place = chat.change(by, &room, &user, change).await?;
        Ok(ChangedView::new(&room, place))
    }
}

impl RestMethod for PutMember {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        example: r#"{"role":"member"}"#,
        ..Route::new(Verb::Put, "/v1/rooms/{room}/members/{user}", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = JsonBody<NewRole>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, PutMemberRequest), MethodError> {
        let (room, user) = (RoomId::parse(&asked.path.0)?, UserId::parse_outsider("user", &asked.path.1)?);
        let change = change(asked.body.0.role.as_deref())?;
        let by = asked.query.actor(asked.body.0.from.as_deref())?;
        Ok((by, PutMemberRequest { room, user, change }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_says_what_becomes_of_somebody() {
        assert_eq!(change(None).unwrap(), MembershipChange::Become(Role::Member));
        assert_eq!(change(Some("admin")).unwrap(), MembershipChange::Become(Role::Admin));
        assert_eq!(change(Some("banned")).unwrap(), MembershipChange::Ban);
        assert_eq!(
            change(Some("king")).unwrap_err().to_string(),
            "role: one of reader, member, moderator, admin, banned"
        );
    }
}
