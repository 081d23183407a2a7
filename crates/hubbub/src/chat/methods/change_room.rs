//! `change_room`: gives a room other settings, or another name.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::ROOM,
    views::room,
    writing::{InName, Writing, WrittenView},
};
use crate::chat::Chat;
use hubbub_core::{
    log::{
        checks,
        kinds::{Changed, Renamed, What},
        settings::SettingsChange,
    },
    model::ids::{Invalid, Key, RoomId},
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ChangeRoom;

impl Method for ChangeRoom {
    const NAME: &'static str = "change_room";
    const DOC: Doc = Doc {
        summary: "Gives a room other settings, another name, or both. For its admins and the product's backend.",
        example: r#"{"room":"general","settings":{"slow_mode":30,"members_may":{"pin":true}},"key":"e94b…"}
{"id":"0198…","room":"general","seq":50,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:37:00.123Z"}"#,
        more: r#"What is left out stays as it is. A new name is an entry `renamed`, new settings are an entry `changed`; of both, one behind the other, together or not at all, and the
answer is of the latter. Settings that are as asked already: without `seq`.

| setting | means | without |
|---|---|---|
| `slow_mode` | a member writes one message in so many seconds, 1 to 21,600; `null`: as many as they like. Moderators are exempt. Too soon: 111 with the time to wait | `null` |
| `frozen` | only moderators write | `false` |
| `edit_window` | seconds for which an author may edit and delete a message, 0 (never) to 31,536,000; `null`: for ever. Moderators delete later, too | `null` |
| `members_may` | `pin`, `mention_all`, `invite`: whether members may do it, beside those whose role allows it | `false`, `true`, `false` |
| `history_from` | from where on members read: `all`, or `joined`: from the entry with which they last became a member | `all` |"#,
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

/// The entries that change a room so.
fn changed(
    room: RoomId,
    key: Option<Key>,
    name: Option<&str>,
    settings: Option<&SettingsChange>,
) -> Result<Writing, Invalid> {
    let renamed = match name {
        Some(name) => Some(What::Renamed(Renamed { name: checks::room_name(name)? })),
        None => None,
    };
    settings.map_or(Ok(()), SettingsChange::check)?;
    match (renamed, settings.map(|settings| What::Changed(Changed::new(settings)))) {
        (first, Some(what)) => Ok(Writing { first, ..Writing::new(room, key, what) }),
        (Some(renamed), None) => Ok(Writing::new(room, key, renamed)),
        (None, None) => Err(Invalid::new("settings", "missing, and there is no name")),
    }
}

/// `data` of a call.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ChangeData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    settings: Option<SettingsChange>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl RpcMethod for ChangeRoom {
    type Data<'a> = ChangeData<'a>;

    fn read(data: ChangeData<'_>) -> Result<Writing, Invalid> {
        let (room, key) = (room(data.room.as_deref())?, data.key.as_deref().map(Key::parse).transpose()?);
        changed(room, key, data.name.as_deref(), data.settings.as_ref())
    }
}

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomChange {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// For people.
    name: Option<String>,
    /// Settings; those that are left out stay as they are.
    settings: Option<SettingsChange>,
}

impl RestMethod for ChangeRoom {
    const ROUTE: Route = Route {
        tag: "rooms",
        problems: &[403, 404, 409, 422],
        idempotency_key: true,
        example: r#"{"name":"Kitchen","settings":{"slow_mode":30}}"#,
        ..Route::new(Verb::Patch, "/v1/rooms/{room}", &[ROOM])
    };
    type Path = String;
    type Query = InName;
    type Body = JsonBody<RoomChange>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, JsonBody(new)) = (asked.key()?, &asked.body);
        let by = asked.query.actor(new.from.as_deref())?;
        Ok((by, changed(RoomId::parse(&asked.path)?, key, new.name.as_deref(), new.settings.as_ref())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn what_is_missing_or_beyond_its_limit_is_named() {
        let read = |data: &str| {
            let data = RawData::from_json(data);
            data.read()
                .map_err(|error| error.message.into_owned())
                .and_then(|data| ChangeRoom::read(data).map_err(|invalid| invalid.to_string()))
        };
        let long = format!(r#"{{"room":"r","name":"{}"}}"#, "x".repeat(257));
        for (data, why) in [
            ("{}", "room: missing"),
            (r#"{"room":"r"}"#, "settings: missing, and there is no name"),
            (r#"{"room":"r","settings":null}"#, "settings: missing, and there is no name"),
            (r#"{"room":"r","settings":{"slow_mode":0}}"#, "settings.slow_mode: 0; it is null, or 1 to 21600 seconds"),
            (
                r#"{"room":"r","name":"x","settings":{"edit_window":31536001}}"#,
                "settings.edit_window: 31536001; it is null, or 0 to 31536000 seconds",
            ),
            (&long, "name: 257 bytes; the limit is 256"),
        ] {
            assert_eq!(read(data).unwrap_err(), why, "{data}");
        }
        for (data, names) in [
            (r#"{"room":"r","settings":{"color":1}}"#, "unknown field `color`"),
            (r#"{"room":"r","settings":{"members_may":{"fly":true}}}"#, "unknown field `fly`"),
            (r#"{"room":"r","settings":{"history_from":"noon"}}"#, "unknown variant `noon`"),
        ] {
            assert!(read(data).unwrap_err().contains(names), "{data}");
        }
        let both = read(r#"{"room":"r","name":"x","settings":{"frozen":true}}"#).unwrap();
        assert!(matches!((both.first, both.what), (Some(What::Renamed(_)), What::Changed(_))));
    }
}
