//! `hand_over`: an admin makes somebody else an admin, and is one no more.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM,
    views::room,
    writing::{InName, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    log::kinds::{Joined, What},
    model::{
        access::Role,
        ids::{Invalid, Key, RoomId, UserId},
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::{ToSchema, openapi::Object};

/// See the module.
pub struct HandOver;

/// Who is to be admin, and what becomes of the one who was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandingOver {
    room: RoomId,
    user: UserId,
    role: Role,
    key: Option<Key>,
}

impl Method for HandOver {
    const NAME: &'static str = "hand_over";
    const DOC: Doc = Doc {
        summary: "Passes a room on: another member becomes its admin, and one's own role is a lower one from then on. For its admins.",
        example: r#"{"room":"general","user":"ben","role":"member","key":"d41d…"}
{"id":"0198…","room":"general","seq":53,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:40:00.123Z"}"#,
        more: "Two entries `joined`, one behind the other, together or not at all; the answer is of the second, one's own. `role` is `member`, where nothing is said, or `moderator` or `reader`. \
So the last admin hands over and may leave: without it, the last admin of a room with other members neither leaves nor takes another role (103). A room whose last admin was alone in it, or was removed by the product's \
backend, has none; the backend gives it another with `put_member`. Who is no member is named in the error: 107. Give a `key`: whoever is no admin any more, because it was done already, is refused without it (103).",
    };
    type On = Chat;
    type Request = HandingOver;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, asked: HandingOver) -> Result<WrittenView, MethodError> {
        let HandingOver { room, user, role, key } = asked;
        if user == by.user {
            return Err(Invalid::new("user", "nobody hands over to oneself").into());
        }
        let own = What::Joined(Joined { user: by.user.clone(), role });
        let first = Some(What::Joined(Joined { user, role: Role::Admin }));
        Writing { first, ..Writing::new(room, key, own) }.written(chat, by).await
    }
}

fn asked(room: RoomId, user: Option<&str>, role: Option<&str>, key: Option<Key>) -> Result<HandingOver, Invalid> {
    let user = UserId::parse_outsider("user", user.ok_or_else(|| Invalid::missing("user"))?)?;
    let wrong = || Invalid::new("role", "one of reader, member, moderator");
    let role = role.map_or(Ok(Role::Member), |role| Role::parse(role).map_err(|_| wrong()))?;
    if role == Role::Admin { Err(wrong()) } else { Ok(HandingOver { room, user, role, key }) }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct HandOverData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[schema(schema_with = lower_role)]
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl RpcMethod for HandOver {
    type Data<'a> = HandOverData<'a>;

    fn read(data: HandOverData<'_>) -> Result<HandingOver, Invalid> {
        let (room, key) = (room(data.room.as_deref())?, data.key.as_deref().map(Key::parse).transpose()?);
        asked(room, data.user.as_deref(), data.role.as_deref(), key)
    }
}

/// Who is to be admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// In the name of this user: an admin, who is one no more.
    from: Option<String>,
    /// Who becomes admin.
    #[schema(required = true)]
    user: Option<String>,
    /// What `from` is from then on; a member where nothing is said.
    #[schema(schema_with = lower_role)]
    role: Option<String>,
}

fn lower_role() -> Object {
    super::rest::words("What `from` is from then on", &["reader", "member", "moderator"])
}

impl RestMethod for HandOver {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        example: r#"{"from":"ana","user":"ben"}"#,
        ..Route::new(Verb::Post, "/v1/rooms/{room}/hand_over", &[ROOM])
    };
    type Path = String;
    type Query = InName;
    type Body = JsonBody<NewOwner>;

    fn translate(request: RestRequest<Self>) -> Result<(Actor, HandingOver), MethodError> {
        let (key, JsonBody(new)) = (request.key()?, &request.body);
        let by = request.query.person(new.from.as_deref())?;
        Ok((by, asked(RoomId::parse(&request.path)?, new.user.as_deref(), new.role.as_deref(), key)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn whoever_hands_over_is_a_member_unless_they_say_otherwise_and_no_admin() {
        let read = |data: &str| HandOver::read(RawData::from_json(data).read().unwrap());
        assert_eq!(read(r#"{"room":"r","user":"ben"}"#).unwrap().role, Role::Member);
        assert_eq!(read(r#"{"room":"r","user":"ben","role":"reader"}"#).unwrap().role, Role::Reader);
        for (data, why) in [
            (r#"{"user":"ben"}"#, "room: missing"),
            (r#"{"room":"r"}"#, "user: missing"),
            (r#"{"room":"r","user":"ben","role":"admin"}"#, "role: one of reader, member, moderator"),
            (r#"{"room":"r","user":"ben","role":"banned"}"#, "role: one of reader, member, moderator"),
        ] {
            assert_eq!(read(data).unwrap_err().to_string(), why);
        }
    }
}
