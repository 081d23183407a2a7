//! `put_members`: many memberships at once, each with its own result.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, Problem, RestMethod, RestRequest, Route, Verb,
    members::NewMember, put_member::change, rest::ROOM,
};
use crate::chat::{
    Chat,
    rooms::{Changed, MembershipChange},
};
use hubbub_core::{
    log::checks,
    model::ids::{RoomId, UserId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct PutMembers;

/// Memberships to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutMembersRequest {
    /// The room.
    pub room: RoomId,
    /// Who becomes what, in order.
    pub changes: Vec<(UserId, MembershipChange)>,
}

/// Many memberships at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembers {
    /// At most 1,000.
    members: Vec<NewMember>,
}

/// What became of many memberships.
#[derive(Serialize, ToSchema)]
pub struct ChangedMembers {
    /// One for each asked, in order.
    results: Vec<ChangedMember>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub struct ChangedMember {
    /// Who.
    user: String,
    /// The entry that says so; absent where things were so already.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

impl Method for PutMembers {
    const NAME: &'static str = "put_members";
    const DOC: Doc = Doc {
        summary: "Changes many memberships of a room at once, in order; each has its own result.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = PutMembersRequest;
    type Output = ChangedMembers;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: PutMembersRequest) -> Result<ChangedMembers, MethodError> {
        let PutMembersRequest { room, changes } = request;
        chat.view(&by.user, &room).await?;
        let changed = chat.change_many(by, &room, &changes).await;
        let result = |((user, _), changed): (&(UserId, MembershipChange), Changed)| {
            let (seq, error) = match changed {
                Ok(place) => (place.map(|place| place.seq.get()), None),
                Err(error) => (None, Some(Problem::from(error))),
            };
            ChangedMember { user: user.to_string(), seq, error }
        };
        Ok(ChangedMembers { results: changes.iter().zip(changed).map(result).collect() })
    }
}

impl RestMethod for PutMembers {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[404, 422],
        example: r#"{"members":[{"user":"ana","role":"admin"}]}"#,
        ..Route::new(Verb::Put, "/v1/rooms/{room}/members", &[ROOM])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<NewMembers>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, PutMembersRequest), MethodError> {
        let (room, members) = (RoomId::parse(&asked.path)?, asked.body.0.members);
        checks::members_at_once(members.len())?;
        let mut changes = Vec::with_capacity(members.len());
        for member in &members {
            changes.push((UserId::parse_outsider("members", &member.user)?, change(member.role.as_deref())?));
        }
        Ok((Actor::backend(), PutMembersRequest { room, changes }))
    }
}
