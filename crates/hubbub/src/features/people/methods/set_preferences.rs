//! `set_preferences`: how a room is shown to somebody.

use super::views::PreferencesView;
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
            rest::{ROOM, USER},
            views::room,
        },
    },
    features::people::Choices,
};
use hubbub_core::{
    log::account::Use,
    model::{
        access::Refusal,
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
    people::preferences::{Notify, PreferencesChange},
};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct SetPreferences;

impl Method for SetPreferences {
    const NAME: &'static str = "set_preferences";
    const DOC: Doc = Doc {
        summary: "Says how a room is shown to oneself. For its members.",
        example: r#"{"room":"general","notify":"mentions","pinned":true}
{"room":"general","notify":"mentions","pinned":true,"hidden":false}"#,
        more: "`notify` is `all` (as long as nothing is said), `mentions` or `nothing`; `pinned` and `hidden` are `true` or `false`. What is left out stays as it is. \
The server keeps it for all devices of a user, tells them by a [signal](#signals), shows it in `rooms`, and does nothing else by it. `unread_from` marks the room as unread from this entry on: it stands beside the mark, which goes forward only and by which `unread` counts, and ends with a `read` \
of that entry or a later one, also where the mark does not move. `null` takes it back. The rest outlives leaving and coming back.",
    };
    type On = Choices;
    type Request = (RoomId, PreferencesChange);
    type Output = PreferencesView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(
        on: &Choices,
        by: &Actor,
        (room, change): (RoomId, PreferencesChange),
    ) -> Result<PreferencesView, MethodError> {
        let view = on.chat.view(&by.user, &room).await?;
        view.may_read()?;
        if !view.standing.is_member() {
            return Err(Refusal::NotMember.into());
        }
        if let Some(Some(from)) = change.unread_from
            && !(Seq::new(1)..=view.room.head).contains(&from)
        {
            return Err(Invalid::new("unread_from", format!("{from}; it is 1 to {}, the head", view.room.head)).into());
        }
        on.chat.charge(by, &[Use::Entry])?;
        let set = on.store.set_preferences(&by.user, &room, change).await.map_err(ChatError::from)?;
        let preferences = set.ok_or(Refusal::NotMember)?;
        on.tell(preferences.signal(&by.user, &room));
        Ok(PreferencesView::new(&room, preferences))
    }
}

fn change(
    notify: Option<&str>,
    (pinned, hidden): (Option<bool>, Option<bool>),
    unread_from: Option<Option<u64>>,
) -> Result<PreferencesChange, Invalid> {
    let notify = notify.map(Notify::parse).transpose()?;
    let unread_from = unread_from.map(|from| from.map(Seq::new));
    let change = PreferencesChange { notify, pinned, hidden, unread_from };
    if change == PreferencesChange::default() {
        return Err(Invalid::new("notify", "missing, and so are pinned, hidden and unread_from"));
    }
    Ok(change)
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct PreferencesData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    notify: Option<Cow<'a, str>>,
    pinned: Option<bool>,
    hidden: Option<bool>,
    /// From which message on the room is shown as unread; `null` takes that back.
    #[schema(value_type = Option<u64>)]
    #[serde(deserialize_with = "given")]
    unread_from: Option<Option<u64>>,
}

impl RpcMethod for SetPreferences {
    type Data<'a> = PreferencesData<'a>;

    fn read(data: PreferencesData<'_>) -> Result<Self::Request, Invalid> {
        let switches = (data.pinned, data.hidden);
        Ok((room(data.room.as_deref())?, change(data.notify.as_deref(), switches, data.unread_from)?))
    }
}

/// What is to become of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPreferences {
    /// `all`, `mentions` or `nothing`.
    notify: Option<String>,
    /// Whether it stands before the others.
    pinned: Option<bool>,
    /// Whether it is left out.
    hidden: Option<bool>,
    /// Where unread begins: a seq; null: where the mark says.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    unread_from: Option<Option<u64>>,
}

impl RestMethod for SetPreferences {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[403, 404, 422],
        example: r#"{"notify":"mentions"}"#,
        ..Route::new(Verb::Put, "/v1/users/{user}/rooms/{room}/preferences", &[USER, ROOM])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = JsonBody<NewPreferences>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let JsonBody(new) = &asked.body;
        let (user, room) = (UserId::parse_outsider("user", &asked.path.0)?, RoomId::parse(&asked.path.1)?);
        let change = change(new.notify.as_deref(), (new.pinned, new.hidden), new.unread_from)?;
        Ok((Actor::for_user(user), (room, change)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn what_is_left_out_stays_and_what_is_wrong_is_named() {
        let read = |data: &str| {
            let data = RawData::from_json(data);
            let read = data.read().map_err(|error| error.message.into_owned());
            read.and_then(|data| SetPreferences::read(data).map_err(|invalid| invalid.to_string()))
        };
        let change = |data: &str| read(data).unwrap().1;
        let hidden = PreferencesChange { hidden: Some(false), ..PreferencesChange::default() };
        assert_eq!(change(r#"{"room":"r","hidden":false}"#), hidden);
        let from = |from| PreferencesChange { unread_from: Some(from), ..PreferencesChange::default() };
        assert_eq!(change(r#"{"room":"r","unread_from":7}"#), from(Some(Seq::new(7))));
        assert_eq!(change(r#"{"room":"r","unread_from":null}"#), from(None));
        for (data, why) in [
            (r#"{"notify":"all"}"#, "room: missing"),
            (r#"{"room":"r"}"#, "notify: missing, and so are pinned, hidden and unread_from"),
            (r#"{"room":"r","pinned":null}"#, "notify: missing, and so are pinned, hidden and unread_from"),
            (r#"{"room":"r","notify":"loud"}"#, "notify: one of all, mentions, nothing"),
        ] {
            assert_eq!(read(data).unwrap_err(), why, "{data}");
        }
        for (data, field) in [
            (r#"{"room":"r","pinned":"yes"}"#, "pinned"),
            (r#"{"room":"r","hidden":1}"#, "hidden"),
            (r#"{"room":"r","unread_from":-1}"#, "unread_from"),
            (r#"{"room":"r","unread_from":"7"}"#, "unread_from"),
            (r#"{"room":"r","notify":true}"#, "notify"),
        ] {
            let why = read(data).unwrap_err();
            assert!(why.contains(field), "{data}: {why}");
        }
    }
}
