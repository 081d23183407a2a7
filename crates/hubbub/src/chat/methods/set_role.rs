//! `set_role`: an admin gives somebody another role, or adds them; a moderator bans. Over REST it is `put_member`.

use super::{
    Actor, Doc, Edge, Method, MethodError, RpcMethod,
    put_member::change,
    rest::role,
    views::room,
    writing::{Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::model::ids::{Invalid, UserId};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct SetRole;

impl Method for SetRole {
    const NAME: &'static str = "set_role";
    const DOC: Doc = Doc {
        summary: "Gives somebody another role (`reader`, `member`, `moderator`, `admin`), adds them with it, or bans (`banned`).",
        example: r#"{"room":"general","user":"ben","role":"moderator","key":"b7e0…"}
{"id":"0198…","room":"general","seq":49,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:36:00.123Z"}"#,
        more: "For admins. Members add `member`s and `reader`s where the room's `members_may.invite` says so, and moderators ban lower roles. The last admin of a
room with other members keeps the role: 103. Whoever stands so already: without `seq`.",
    };
    type On = Chat;
    type Request = Writing;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.write::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<WrittenView, MethodError> {
        writing.written(chat, by).await
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct RoleData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[schema(schema_with = role)]
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl RpcMethod for SetRole {
    type Data<'a> = RoleData<'a>;

    fn read(data: RoleData<'_>) -> Result<Writing, Invalid> {
        room(data.room.as_deref())?;
        let user = data.user.as_deref().ok_or_else(|| Invalid::missing("user"))?;
        let user = UserId::parse_outsider("user", user)?;
        let role = data.role.as_deref().ok_or_else(|| Invalid::missing("role"))?;
        Writing::read(data.room.as_deref(), data.key.as_deref(), change(Some(role))?.of(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{log::kinds::What, model::access::Role, wire::rpc::RawData};

    #[test]
    fn a_role_is_one_of_four_or_a_ban() {
        let read = |data: &str| SetRole::read(RawData::from_json(data).read().unwrap()).map(|writing| writing.what);
        for (data, why) in [
            (r#"{"room":"r"}"#, "user: missing"),
            (r#"{"room":"r","user":"ben"}"#, "role: missing"),
            (r#"{"room":"r","user":"ben","role":"king"}"#, "role: one of reader, member, moderator, admin, banned"),
            (r#"{"room":"r","user":"ben","role":""}"#, "role: one of reader, member, moderator, admin, banned"),
        ] {
            assert_eq!(read(data).unwrap_err().to_string(), why);
        }
        for role in [Role::Reader, Role::Member, Role::Moderator, Role::Admin] {
            let what = read(&format!(r#"{{"room":"r","user":"ben","role":"{}"}}"#, role.word())).unwrap();
            assert!(matches!(what, What::Joined(joined) if joined.role == role));
        }
        assert!(matches!(read(r#"{"room":"r","user":"ben","role":"banned"}"#).unwrap(), What::Banned(_)));
    }
}
