//! One line, read and checked by itself.

use super::fields::{Fields, needed, outsider};
use crate::{
    limits,
    log::{
        checks::{self, Said},
        kinds::{
            Banned, Changed, Content, Deleted, Edited, Joined, Left, Message, Muted, Pinned, Reacted, ReactionWord,
            Renamed, SessionState, What,
        },
        settings::{Settings, SettingsChange},
    },
    model::{
        access::{Role, RoomKind},
        ids::{Invalid, Key, RoomId, UserId},
        json::{Json, to_json},
        seq::Seq,
        time::Timestamp,
    },
};
use std::{collections::BTreeSet, fmt::Write};
use uuid::Uuid;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// There is a room; it comes before the room's entries.
    Room(RoomLine),
    /// What the product says about a user.
    User(UserLine),
    /// An entry of a room's log.
    Entry(Box<EntryLine>),
}

/// A room, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomLine {
    /// Its id.
    pub id: RoomId,
    /// Its kind; not [`RoomKind::Deleted`].
    pub kind: RoomKind,
    /// The people of a direct room that is named by them. Of another there are none.
    pub people: BTreeSet<UserId>,
    /// For people.
    pub name: String,
    /// What it is about.
    pub topic: Box<str>,
    /// What the product keeps with it.
    pub data: Option<Json>,
    /// What is set of it.
    pub settings: Settings,
    /// Where it stands as a support session; `None`: it is none.
    pub session: Option<SessionState>,
    /// When it was made.
    pub at: Option<Timestamp>,
}

/// A user of whom something is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    /// Who.
    pub user: UserId,
    /// What the product says.
    pub info: Json,
}

/// An entry, with what of its place the line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    /// The room.
    pub room: RoomId,
    /// Its number in the room.
    pub seq: Option<Seq>,
    /// Its id.
    pub id: Option<Uuid>,
    /// Who did it.
    pub from: UserId,
    /// When.
    pub at: Timestamp,
    /// What makes it happen once.
    pub key: Option<Key>,
    /// What happened. Of what was blanked there is a stand-in without content: the deletion behind it blanks that again.
    pub what: What,
}

/// What every entry's line may have.
const PLACE: [&str; 7] = ["room", "direct", "id", "seq", "from", "at", "key"];

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// Names the member and what is wrong with it, with the limit.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > limits::IMPORT_LINE_BYTES {
            return Err(Invalid::new("line", format!("longer than {} bytes", limits::IMPORT_LINE_BYTES)));
        }
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        match needed("type", fields.word.as_ref())? {
            "room" => RoomLine::of(&fields).map(Self::Room),
            "user" => UserLine::of(&fields).map(Self::User),
            _ => EntryLine::of(&fields).map(|entry| Self::Entry(Box::new(entry))),
        }
    }
}

/// Why JSON could not be read, without the list of all members that there are.
fn unreadable(error: &serde_json::Error) -> Invalid {
    let why = error.to_string();
    let why = why.split(", expected one of").next().unwrap_or_default().split(" at line ").next().unwrap_or_default();
    Invalid::new("line", format!("{why} at column {}", error.column()))
}

/// The room that a line names: by its id, or by the people of a direct room.
fn room(fields: &Fields<'_>) -> Result<RoomId, Invalid> {
    match (&fields.room, &fields.direct) {
        (Some(_), Some(_)) => Err(Invalid::new("direct", "give room, or the people of a direct room, and not both")),
        (Some(id), None) => RoomId::parse_as("room", id),
        (None, Some(_)) => {
            let people = people(fields)?;
            if people.is_empty() || people.len() > limits::DIRECT_PEOPLE {
                let problem = format!("{} people; a direct room is of 1 to {}", people.len(), limits::DIRECT_PEOPLE);
                return Err(Invalid::new("direct", problem));
            }
            Ok(RoomId::direct_of(&people))
        }
        (None, None) => Err(Invalid::missing("room")),
    }
}

/// The people of the direct room that a line names by them.
fn people(fields: &Fields<'_>) -> Result<BTreeSet<UserId>, Invalid> {
    fields.direct.iter().flatten().map(|user| UserId::parse_outsider("direct", user)).collect()
}

fn time(field: &'static str, text: &str) -> Result<Timestamp, Invalid> {
    let at = Timestamp::parse_strict(text).filter(|at| at.0 >= 0);
    at.ok_or_else(|| {
        Invalid::new(field, format!("{text:?}; a time since 1970 like 2026-01-31T09:30:00.123Z is needed"))
    })
}

impl RoomLine {
    fn of(fields: &Fields<'_>) -> Result<Self, Invalid> {
        fields.only(&["room", "direct", "kind", "name", "topic", "data", "settings", "session", "at"])?;
        let (id, kind) = (room(fields)?, RoomKind::parse(needed("kind", fields.kind.as_ref())?)?);
        if (kind == RoomKind::Direct) != id.as_str().starts_with("direct.") {
            let problem =
                "ids that begin with direct. are of direct rooms: name those by direct, a list of their people";
            return Err(Invalid::new("room", problem));
        }
        let settings = match fields.settings {
            None => Settings::default(),
            Some(raw) => Settings::default().with(&settings(raw.get())?),
        };
        let session = fields.session.as_deref().map(SessionState::parse).transpose();
        Ok(Self {
            id,
            kind,
            people: people(fields)?,
            name: checks::room_name(fields.name.as_deref().unwrap_or_default())?,
            topic: checks::room_topic(fields.topic.as_deref().unwrap_or_default())?.into(),
            data: fields.data.map(checks::room_data).transpose()?.flatten(),
            settings,
            session: session.map_err(|invalid| Invalid { field: "session", ..invalid })?,
            at: fields.at.as_deref().map(|at| time("at", at)).transpose()?,
        })
    }

    /// The line of it.
    pub fn json(&self) -> String {
        let mut json = format!(r#"{{"type":"room","room":"{}","kind":"{}","name":"#, self.id, self.kind.word());
        json.push_str(&to_json(&self.name));
        if !self.topic.is_empty() {
            json.push_str(r#","topic":"#);
            json.push_str(&to_json(&self.topic));
        }
        if let Some(data) = &self.data {
            let _ = write!(json, r#","data":{}"#, data.as_str());
        }
        if let Some(settings) = self.settings.stored() {
            let _ = write!(json, r#","settings":{settings}"#);
        }
        if let Some(session) = self.session {
            let _ = write!(json, r#","session":"{}""#, session.state());
        }
        if let Some(at) = self.at {
            let _ = write!(json, r#","at":"{at}""#);
        }
        json.push('}');
        json
    }
}

/// Some settings, within their limits.
fn settings(json: &str) -> Result<SettingsChange, Invalid> {
    let change: SettingsChange = serde_json::from_str(json)
        .map_err(|error| Invalid::new("settings", error.to_string().split(" at line ").next().unwrap_or_default()))?;
    change.check()?;
    Ok(change)
}

impl UserLine {
    fn of(fields: &Fields<'_>) -> Result<Self, Invalid> {
        fields.only(&["user", "info"])?;
        let user = outsider("user", fields.user.as_ref())?;
        let info = fields.info.ok_or_else(|| Invalid::missing("info"))?;
        Ok(Self { user, info: Json::parse("info", info, limits::USER_INFO_BYTES)? })
    }

    /// The line of it.
    pub fn json(&self) -> String {
        format!(r#"{{"type":"user","user":{},"info":{}}}"#, to_json(&self.user), self.info.as_str())
    }
}

impl EntryLine {
    fn of(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let what = what(fields)?;
        let is_message = matches!(what, What::Message(_));
        let from = match (fields.from.as_deref(), &what) {
            (None, What::Joined(Joined { user, .. }) | What::Left(Left { user })) => user.clone(),
            (None, _) => return Err(Invalid::missing("from")),
            // The backend acts in rooms, and says nothing there.
            (Some(from), _) if !is_message && from == UserId::backend().as_str() => UserId::backend(),
            (Some(from), _) => match UserId::parse_as("from", from)? {
                // Whether the room has agents at all is asked where rooms are known.
                agent if agent.portal().is_some() => agent,
                _ => UserId::parse_outsider("from", from)?,
            },
        };
        let id = fields.id.as_deref().map(Uuid::parse_str).transpose();
        Ok(Self {
            room: room(fields)?,
            seq: fields.seq.map(Seq::new),
            id: id.map_err(|_| Invalid::new("id", "a UUID is needed"))?,
            from,
            at: time("at", needed("at", fields.at.as_ref())?)?,
            key: fields.key.as_deref().map(Key::parse).transpose()?,
            what,
        })
    }
}

/// What an entry's line says has happened.
fn what(fields: &Fields<'_>) -> Result<What, Invalid> {
    let word = fields.word.as_deref().unwrap_or_default();
    let only = |own: &[&str]| fields.only(&[&PLACE, own].concat());
    let user = || outsider("user", fields.user.as_ref());
    let target = || fields.target.map(Seq::new).ok_or_else(|| Invalid::missing("target"));
    Ok(match word {
        "message" => {
            only(&["text", "data", "reply_to", "thread", "in_room", "mentions", "mention_all", "gone"])?;
            let (thread, in_room) = checks::in_thread(fields.thread, fields.in_room == Some(true))?;
            What::Message(Message {
                content: content(fields)?,
                reply_to: fields.reply_to.map(Seq::new),
                thread,
                in_room,
            })
        }
        "edited" => {
            only(&["text", "data", "target", "mentions", "mention_all", "gone"])?;
            What::Edited(Edited { target: target()?, content: content(fields)? })
        }
        "deleted" => {
            only(&["target", "author", "thread", "in_room", "edits"])?;
            What::Deleted(Deleted { target: target()?, of: None })
        }
        "reacted" | "unreacted" => {
            only(&["target", "reaction"])?;
            let reaction = ReactionWord::parse(needed("reaction", fields.reaction.as_ref())?)?;
            What::Reacted(Reacted { target: target()?, reaction, added: word == "reacted" })
        }
        "pinned" | "unpinned" => {
            only(&["target"])?;
            What::Pinned(Pinned { target: target()?, pinned: word == "pinned" })
        }
        "joined" => {
            only(&["user", "role"])?;
            What::Joined(Joined { user: user()?, role: fields.role.as_deref().map_or(Ok(Role::Member), Role::parse)? })
        }
        "left" => {
            only(&["user"])?;
            What::Left(Left { user: user()? })
        }
        "banned" => {
            only(&["user"])?;
            What::Banned(Banned { user: user()? })
        }
        "renamed" => {
            only(&["name"])?;
            What::Renamed(Renamed { name: checks::room_name(needed("name", fields.name.as_ref())?)? })
        }
        "muted" => {
            only(&["user", "until"])?;
            What::Muted(Muted { user: user()?, until: Some(time("until", needed("until", fields.until.as_ref())?)?) })
        }
        "unmuted" => {
            only(&["user"])?;
            What::Muted(Muted { user: user()?, until: None })
        }
        "changed" => {
            only(&["settings", "topic", "data"])?;
            let change = settings(fields.settings.map_or("{}", |raw| raw.get()))?;
            let topic = fields.topic.as_deref().map(checks::room_topic).transpose()?;
            let data = fields.data.map(checks::room_data).transpose()?;
            What::Changed(Changed::new(&change).with_info(topic, data))
        }
        "opened" | "waiting" | "closed" => {
            only(&[])?;
            What::State(SessionState::parse(if word == "opened" { "open" } else { word })?)
        }
        _ => {
            let known = "room, user, message, edited, deleted, reacted, unreacted, pinned, unpinned, joined, left, banned, renamed, \
                muted, unmuted, changed, opened, waiting, closed";
            return Err(Invalid::new("type", format!("{word:?} is none of {known}")));
        }
    })
}

/// What a message says, or an edit.
fn content(fields: &Fields<'_>) -> Result<Content, Invalid> {
    let mentions = fields.mentions.as_deref().unwrap_or_default();
    if fields.gone == Some(true) {
        if fields.text.is_some() || fields.data.is_some() || !mentions.is_empty() || fields.mention_all.is_some() {
            return Err(Invalid::new("gone", "what is gone has no content"));
        }
        return Ok(Content::gone());
    }
    checks::content(Said {
        text: fields.text.as_deref(),
        data: fields.data,
        mentions,
        mention_all: fields.mention_all == Some(true),
    })
}
