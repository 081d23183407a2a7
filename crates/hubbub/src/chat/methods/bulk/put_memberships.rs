//! `put_memberships`: many memberships of many rooms at once.

use super::{BulkWrittenAll, at_once};
use crate::chat::{
    Chat,
    methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb,
        put_member::{change, role_or_ban},
        writing::Writing,
    },
};
use hubbub_core::{
    limits,
    model::ids::{Invalid, Key, RoomId, UserId},
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct PutMemberships;

/// Memberships to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Memberships {
    /// At most 1,000.
    memberships: Vec<MembershipOf>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipOf {
    /// The room.
    room: String,
    /// Who.
    user: String,
    /// What they are to be.
    #[schema(schema_with = role_or_ban, required = true)]
    role: Option<String>,
}

impl MembershipOf {
    fn writing(&self) -> Result<Writing, Invalid> {
        let (room, user) = (RoomId::parse(&self.room)?, UserId::parse_outsider("user", &self.user)?);
        Ok(Writing::new(room, None, change(self.role.as_deref())?.of(user)))
    }
}

impl Method for PutMemberships {
    const NAME: &'static str = "put_memberships";
    const PATIENCE: Duration = limits::BULK_PATIENCE;
    const DOC: Doc = Doc {
        summary: "Changes memberships of many rooms at once, those of one room in order; each has its own result, and its own part of an `Idempotency-Key`: that goes by its place, so say the very same list again.",
        example: "",
        more: "",
    };
    type On = Chat;
    type Request = (Option<Key>, Vec<Result<Writing, Invalid>>);
    type Output = BulkWrittenAll;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, (key, asked): Self::Request) -> Result<BulkWrittenAll, MethodError> {
        let asked = asked.into_iter().map(|one| one.map(|writing| (by.clone(), writing))).collect();
        Ok(BulkWrittenAll::new(chat.write_many(key.as_ref(), asked).await))
    }
}

impl RestMethod for PutMemberships {
    const ROUTE: Route = Route {
        tag: "bulk",
        problems: &[422],
        idempotency_key: true,
        example: r#"{"memberships":[{"room":"general","user":"ana","role":"admin"}]}"#,
        ..Route::new(Verb::Put, "/v1/bulk/members", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<Memberships>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let (key, JsonBody(Memberships { memberships })) = (asked.key()?, &asked.body);
        at_once("memberships", memberships.len(), limits::MEMBERS_AT_ONCE)?;
        Ok((Actor::backend(), (key, memberships.iter().map(MembershipOf::writing).collect())))
    }
}
