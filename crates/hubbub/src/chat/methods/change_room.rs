//! `change_room`: gives a room other settings, another name or topic, or other data.

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
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ChangeRoom;

impl Method for ChangeRoom {
    const NAME: &'static str = "change_room";
    const DOC: Doc = Doc {
        summary: "Gives a room other settings, another name or topic, or other data. For its admins and the product's backend.",
        example: r#"{"room":"general","settings":{"slow_mode":30,"members_may":{"pin":true}},"key":"e94b…"}
{"id":"0198…","room":"general","seq":50,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:37:00.123Z"}"#,
        more: r#"What is left out stays as it is. A new name is an entry `renamed`, all else is an entry `changed`; of both, one behind the other, together or not at all, and the
answer is of the latter. What is as asked already: without `seq`. `topic` says what the room is about (at most 1,024 bytes; empty: nothing). `data` is any JSON that the product keeps with it (at most 4 KiB; `null`: nothing).

| setting | means | without |
|---|---|---|
| `slow_mode` | a member writes one message in so many seconds, 1 to 21,600; `null`: as many as they like. Moderators are exempt. Too soon: 111 with the time to wait | `null` |
| `frozen` | only moderators write | `false` |
| `edit_window` | seconds for which an author may edit and delete a message, 0 (never) to 31,536,000; `null`: for ever. Moderators delete later, too | `null` |
| `members_may` | `pin`, `mention_all`, `invite`: whether members may do it, beside those whose role allows it | `false`, `true`, `false` |
| `history_from` | from where on members read: `all`, or `joined`: from the entry with which they last became a member | `all` |
| `archived` | nobody writes, edits, reacts or pins, and nothing of the room is changed but this, whoever asks (103). It is read as before, who is in it can change, and messages can be deleted | `false` |"#,
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

/// What is to become of a room.
#[derive(Default)]
struct Wish<'a> {
    name: Option<&'a str>,
    topic: Option<&'a str>,
    /// `null`: nothing.
    data: Option<&'a RawValue>,
    settings: Option<&'a SettingsChange>,
}

/// The entries that change a room so.
fn changed(room: RoomId, key: Option<Key>, wish: &Wish<'_>) -> Result<Writing, Invalid> {
    let Wish { name, topic, data, settings } = wish;
    let renamed = match name {
        Some(name) => Some(What::Renamed(Renamed { name: checks::room_name(name)? })),
        None => None,
    };
    let topic = topic.map(checks::room_topic).transpose()?;
    let data = data.map(checks::room_data).transpose()?;
    settings.map_or(Ok(()), SettingsChange::check)?;
    let is_changed = settings.is_some() || topic.is_some() || data.is_some();
    let what = is_changed.then(|| {
        let changed = settings.map_or_else(|| Changed::new(&SettingsChange::default()), Changed::new);
        What::Changed(changed.with_info(topic, data))
    });
    match (renamed, what) {
        (first, Some(what)) => Ok(Writing { first, ..Writing::new(room, key, what) }),
        (Some(renamed), None) => Ok(Writing::new(room, key, renamed)),
        (None, None) => Err(Invalid::new("settings", "missing, and there is no name, topic or data")),
    }
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(from).map(Some)
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ChangeData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    /// Any JSON object; `null` takes it away.
    #[schema(value_type = Option<Value>)]
    #[serde(deserialize_with = "given")]
    data: Option<Box<RawValue>>,
    settings: Option<SettingsChange>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl RpcMethod for ChangeRoom {
    type Data<'a> = ChangeData<'a>;

    fn read(data: ChangeData<'_>) -> Result<Writing, Invalid> {
        let (room, key) = (room(data.room.as_deref())?, data.key.as_deref().map(Key::parse).transpose()?);
        let wish = Wish {
            name: data.name.as_deref(),
            topic: data.topic.as_deref(),
            data: data.data.as_deref(),
            settings: data.settings.as_ref(),
        };
        changed(room, key, &wish)
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
    /// What it is about, for people: at most 1,024 bytes; empty: nothing.
    topic: Option<String>,
    /// What the product keeps with it: any JSON of at most 4 KiB; null: nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
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
        let wish = Wish {
            name: new.name.as_deref(),
            topic: new.topic.as_deref(),
            data: new.data.as_deref(),
            settings: new.settings.as_ref(),
        };
        Ok((by, changed(RoomId::parse(&asked.path)?, key, &wish)?))
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
            (r#"{"room":"r"}"#, "settings: missing, and there is no name, topic or data"),
            (r#"{"room":"r","settings":null}"#, "settings: missing, and there is no name, topic or data"),
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
        let topic = format!(r#"{{"room":"r","topic":"{}"}}"#, "x".repeat(1_025));
        assert_eq!(read(&topic).unwrap_err(), "topic: 1025 bytes; the limit is 1024");
        assert!(read(r#"{"room":"r","topic":"a\u0000b"}"#).unwrap_err().contains("U+0000"));
        let large = format!(r#"{{"room":"r","data":["{}"]}}"#, "x".repeat(4_093));
        assert_eq!(read(&large).unwrap_err(), "data: 4097 bytes; the limit is 4096");
        let none = read(r#"{"room":"r","data":null}"#).unwrap();
        let What::Changed(none) = none.what else { panic!("{none:?}") };
        assert!(none.is_of_info(), "null takes it away");
        let both = read(r#"{"room":"r","name":"x","settings":{"frozen":true}}"#).unwrap();
        assert!(matches!((both.first, both.what), (Some(What::Renamed(_)), What::Changed(_))));
    }
}
