//! `put_members`: many memberships at once, each with its own result.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, Problem, RestMethod, RestRequest, Route, Verb,
    put_member::{change, role_or_ban},
    rest::ROOM,
    writing::InName,
};
use crate::chat::{
    Chat,
    rooms::{Changed, MembershipChange},
};
use hubbub_core::{
    log::checks,
    model::ids::{Key, RoomId, UserId},
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
    /// What makes each of them happen once.
    pub key: Option<Key>,
    /// Who becomes what, in order.
    pub changes: Vec<(UserId, MembershipChange)>,
}

/// Many memberships at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembers {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// At most 1,000.
    members: Vec<NewMembership>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembership {
    /// Who.
    user: String,
    /// What they are to be.
    #[schema(schema_with = role_or_ban, required = true)]
    role: Option<String>,
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
        summary: "Changes many memberships of a room at once, in order; each has its own result, and its own part of an `Idempotency-Key`.",
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
        let PutMembersRequest { room, key, changes } = request;
        if by.is_backend() {
            chat.view(&by.user, &room).await?;
        } else {
            chat.may_read(&by.user, &room).await?;
        }
        let changed = chat.change_many(by, &room, key.as_ref(), &changes).await;
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
        problems: &[403, 404, 422],
        idempotency_key: true,
        example: r#"{"members":[{"user":"ana","role":"admin"}]}"#,
        ..Route::new(Verb::Put, "/v1/rooms/{room}/members", &[ROOM])
    };
    type Path = String;
    type Query = InName;
    type Body = JsonBody<NewMembers>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, PutMembersRequest), MethodError> {
        let (key, JsonBody(NewMembers { from, members })) = (asked.key()?, &asked.body);
        let (by, room) = (asked.query.actor(from.as_deref())?, RoomId::parse(&asked.path)?);
        checks::members_at_once(members.len())?;
        let mut changes = Vec::with_capacity(members.len());
        for member in members {
            changes.push((UserId::parse_outsider("members", &member.user)?, change(member.role.as_deref())?));
        }
        Ok((by, PutMembersRequest { room, key, changes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{ChatError, methods::RestBody};
    use bytes::Bytes;
    use hubbub_core::model::access::{Refusal, Role, RoomKind};

    fn asked(from: Option<&str>, key: &str, members: &serde_json::Value) -> (Actor, PutMembersRequest) {
        let body = serde_json::json!({ "members": members }).to_string();
        let asked = RestRequest::<PutMembers> {
            path: "hall".to_owned(),
            query: InName { from: from.map(ToOwned::to_owned) },
            body: RestBody::read(Bytes::from(body), None).unwrap(),
            idempotency_key: Some(key.as_bytes().to_vec()),
        };
        PutMembers::translate(asked).unwrap()
    }

    /// The seq or the word of each.
    async fn put(
        chat: &Chat,
        from: Option<&str>,
        key: &str,
        members: serde_json::Value,
    ) -> Result<Vec<String>, MethodError> {
        let (by, request) = asked(from, key, &members);
        let changed = PutMembers::run(chat, &by, request).await?;
        let told = |one: &ChangedMember| match (&one.seq, &one.error) {
            (Some(seq), _) => seq.to_string(),
            (None, Some(problem)) => problem.code.to_owned(),
            (None, None) => "so already".to_owned(),
        };
        Ok(changed.results.iter().map(told).collect())
    }

    #[tokio::test]
    async fn many_memberships_are_changed_in_somebodys_name_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let user = |name: &str| UserId::parse(name).unwrap();
        let first = [(user("ana"), Role::Admin), (user("ben"), Role::Member), (user("mo"), Role::Moderator)];
        let hall = RoomId::parse("hall").unwrap();
        chat.make_room(&hall, RoomKind::Private, "", &UserId::backend(), &first).await.unwrap();
        let ban = || serde_json::json!([{ "user": "ana", "role": "banned" }, { "user": "cem", "role": "member" }]);
        assert_eq!(put(&chat, Some("ben"), "k1", ban()).await.unwrap(), ["not_moderator", "not_admin"]);
        assert_eq!(put(&chat, Some("mo"), "k1", ban()).await.unwrap(), ["outranked", "not_admin"]);
        let stranger = put(&chat, Some("eve"), "k1", ban()).await.unwrap_err();
        assert_eq!(stranger, MethodError::Chat(ChatError::Refused(Refusal::UnknownRoom)));

        let add = |cem: &str| serde_json::json!([{ "user": "cem", "role": cem }, { "user": "dora", "role": "reader" }]);
        assert_eq!(put(&chat, Some("ana"), "k2", add("member")).await.unwrap(), ["4", "5"]);
        let remove = [(user("cem"), MembershipChange::Remove)];
        assert!(chat.change_many(&Actor::backend(), &hall, None, &remove).await[0].is_ok());
        assert_eq!(put(&chat, Some("ana"), "k2", add("member")).await.unwrap(), ["4", "5"], "the first places");
        assert_eq!(put(&chat, Some("ana"), "k2", add("admin")).await.unwrap(), ["conflict", "5"], "another body");
        assert_eq!(put(&chat, None, "k2", add("member")).await.unwrap(), ["7", "so already"], "another sender");
    }

    #[test]
    fn nobody_is_given_a_role_that_was_not_named() {
        for members in [r#"[{"user":"ana"}]"#, r#"[{"user":"ben","role":"reader"},{"user":"ana","role":null}]"#] {
            let body = format!(r#"{{"members":{members}}}"#);
            let asked = RestRequest::<PutMembers> {
                path: "hall".to_owned(),
                query: InName::default(),
                body: RestBody::read(Bytes::from(body), None).unwrap(),
                idempotency_key: None,
            };
            let why = PutMembers::translate(asked).map(|_| ()).unwrap_err();
            assert_eq!(why.to_string(), "role: missing", "{members}");
        }
    }
}
