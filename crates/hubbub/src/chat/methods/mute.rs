//! `mute`: somebody may read a room and not write into it, for a while.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{ROOM, USER},
    views::room,
    writing::{InName, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    limits::MUTE_DAYS,
    log::kinds::{Muted, What},
    model::{
        ids::{Invalid, RoomId, UserId},
        time::Timestamp,
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct Mute;

impl Method for Mute {
    const NAME: &'static str = "mute";
    const DOC: Doc = Doc {
        summary: "Mutes a member for a while: they may read and not write. For moderators, towards lower roles; admins, towards everybody.",
        example: r#"{"room":"general","user":"ben","until":"2026-01-31T10:30:00Z","key":"0c7d…"}
{"id":"0198…","room":"general","seq":47,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:34:00.123Z"}"#,
        more: "`until` is between now and 366 days from now, by the database's clock, as RFC 3339 writes it. Who is muted neither sends nor edits, reacts or pins (103); they may delete
what they have written. It outlives leaving and coming back. Muted until then already: without `seq`; until another time: that holds now.",
    };
    type On = Chat;
    type Request = Writing;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.write::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<WrittenView, MethodError> {
        writing.written(chat, by).await
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct MuteData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    until: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

/// When a mute ends: whether that is in time, the log says.
fn end(until: Option<&str>) -> Result<Timestamp, Invalid> {
    let Some(until) = until else {
        return Err(Invalid::new("until", format!("missing; a mute ends, {MUTE_DAYS} days from now at the latest")));
    };
    let expected =
        || format!("a time like 2026-01-31T09:30:00Z is expected, between now and {MUTE_DAYS} days from now");
    Timestamp::parse_strict(until).ok_or_else(|| Invalid::new("until", expected()))
}

impl RpcMethod for Mute {
    type Data<'a> = MuteData<'a>;

    fn read(data: MuteData<'_>) -> Result<Writing, Invalid> {
        room(data.room.as_deref())?;
        let user = UserId::parse(data.user.as_deref().ok_or_else(|| Invalid::missing("user"))?)?;
        let what = What::Muted(Muted { user, until: Some(end(data.until.as_deref())?) });
        Writing::read(data.room.as_deref(), data.key.as_deref(), what)
    }
}

/// A mute to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMute {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// When it ends: between now and 366 days from now, as RFC 3339 writes it.
    #[schema(value_type = String, format = DateTime, required = true)]
    until: Option<String>,
}

impl RestMethod for Mute {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        example: r#"{"until":"2026-01-31T10:30:00Z"}"#,
        ..Route::new(Verb::Put, "/v1/rooms/{room}/members/{user}/mute", &[ROOM, USER])
    };
    type Path = (String, String);
    type Query = InName;
    type Body = JsonBody<NewMute>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, JsonBody(new)) = (asked.key()?, &asked.body);
        let (room, user) = (RoomId::parse(&asked.path.0)?, UserId::parse(&asked.path.1)?);
        let what = What::Muted(Muted { user, until: Some(end(new.until.as_deref())?) });
        Ok((asked.query.actor(new.from.as_deref())?, Writing::new(room, key, what)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_has_an_end() {
        assert_eq!(end(Some("2026-01-31T10:30:00+01:00")).unwrap().to_string(), "2026-01-31T09:30:00.000Z");
        assert_eq!(end(None).unwrap_err().to_string(), "until: missing; a mute ends, 366 days from now at the latest");
        for until in
            ["", "tomorrow", "2026-01-31T09:30:00", "2026-01-31T09:30:00+25:00", "2026-01-31 09:30:00,5 +01:00"]
        {
            let why = "until: a time like 2026-01-31T09:30:00Z is expected, between now and 366 days from now";
            assert_eq!(end(Some(until)).unwrap_err().to_string(), why, "{until}");
        }
    }
}
