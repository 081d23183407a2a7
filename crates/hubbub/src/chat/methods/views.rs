//! Answers that several methods share.

use super::{
    entry::EntryView,
    rest::{role, room_kind},
};
use hubbub_core::{
    log::{
        entry::Place,
        room::{ListPart, Room, RoomInfo},
        settings::{Settings, SettingsChange},
    },
    model::{
        access::Standing,
        ids::{Invalid, RoomId},
        json::Json,
        seq::Seq,
        time::Timestamp,
    },
    people::{
        preferences::Preferences,
        unread::{Counted, Unread},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// How many there are of something that is counted so far and no further.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CountedView {
    /// So many, at most 999.
    count: u64,
    /// There are more, or may be; absent where these are all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    more: bool,
}

impl From<Counted> for CountedView {
    fn from(Counted { count, more }: Counted) -> Self {
        Self { count, more }
    }
}

/// How a room is shown to somebody.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ShownAs {
    /// What they are told of: `all`, `mentions` or `nothing`.
    notify: &'static str,
    /// Whether it stands before the others.
    pinned: bool,
    /// Whether it is left out.
    hidden: bool,
    /// Where unread begins, whatever the mark says; absent where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_from: Option<u64>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomView {
    /// Its id.
    id: String,
    /// What kind of room.
    #[schema(schema_with = room_kind)]
    kind: &'static str,
    /// For people.
    name: String,
    /// The last seq.
    head: u64,
    /// The first seq that is kept.
    floor: u64,
    /// What the numbers count in.
    epoch: String,
    /// What the asker is there; absent where they are no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = role, required = false)]
    role: Option<&'static str>,
    /// What is set of the room, all of it; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<SettingsChange>,
    /// What it is about, for people; absent where nothing is said.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(value_type = Option<String>)]
    topic: Box<str>,
    /// What the product keeps with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// When something has last happened there, where all rooms are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_at: Option<String>,
    /// The newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EntryView>)]
    last: Option<Box<RawValue>>,
    /// How far the asker has read: the mark. This and what follows is there where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<u64>,
    /// Messages that are unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<CountedView>,
    /// Messages that mention the asker and are unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    mentions: Option<CountedView>,
    /// How the room is shown to the asker; absent where that is as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<ShownAs>,
    /// It was not there before.
    #[serde(skip)]
    pub(super) is_new: bool,
}

impl RoomView {
    /// A room as `standing` sees it.
    pub fn new(room: &Room, standing: Standing) -> Self {
        Self {
            id: room.id.to_string(),
            kind: room.kind.word(),
            name: room.name.clone(),
            head: room.head.get(),
            floor: room.floor.get(),
            epoch: room.epoch.to_string(),
            role: standing.word(),
            settings: (room.settings != Settings::default()).then(|| room.settings.all()),
            topic: Box::default(),
            data: None,
            active_at: None,
            last: None,
            read: None,
            unread: None,
            mentions: None,
            preferences: None,
            is_new: false,
        }
    }

    /// The same, and whether it was made just now.
    pub fn made_just_now(self, is_new: bool) -> Self {
        Self { is_new, ..self }
    }

    /// The same with its topic and data.
    pub fn with_info(self, info: &RoomInfo) -> Self {
        Self { topic: info.topic.clone(), data: info.data.as_ref().map(Json::to_raw), ..self }
    }

    /// The same with when something has last happened there.
    pub fn active_at(self, at: Timestamp) -> Self {
        Self { active_at: Some(at.to_string()), ..self }
    }

    /// The same with what is unread.
    pub fn with_unread(self, Unread { read, unread, mentions }: Unread) -> Self {
        Self { read: Some(read.get()), unread: Some(unread.into()), mentions: Some(mentions.into()), ..self }
    }

    /// The same with how it is shown.
    pub fn with_preferences(self, preferences: Preferences) -> Self {
        let Preferences { notify, pinned, hidden, unread_from } = preferences;
        let shown = ShownAs { notify: notify.word(), pinned, hidden, unread_from: unread_from.map(Seq::get) };
        Self { preferences: (!preferences.is_usual()).then_some(shown), ..self }
    }

    /// The same with its newest message.
    pub fn with_last(self, last: Option<Box<RawValue>>) -> Self {
        Self { last, ..self }
    }
}

/// What became of a membership or a name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedView {
    /// The room.
    room: String,
    /// The entry that says so; absent where things were so already.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

impl ChangedView {
    /// A change, or none.
    pub fn new(room: &RoomId, place: Option<Place>) -> Self {
        Self { room: room.to_string(), seq: place.map(|place| place.seq.get()) }
    }
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Those after this id.
    pub after: Option<String>,
    /// 1 to 1,000; 100 without.
    pub limit: Option<u64>,
}

/// `data` of a method that is about a room and needs nothing else.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct RoomData<'a> {
    /// The room.
    #[serde(borrow)]
    pub room: Option<Cow<'a, str>>,
}

/// `after` of a list or of a log: an id or a seq, each with its own error for the other.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum After<'a> {
    /// A number.
    Seq(u64),
    /// An id.
    Name(#[serde(borrow)] Cow<'a, str>),
}

impl After<'_> {
    /// The seq.
    ///
    /// # Errors
    /// Where it is an id.
    pub fn seq(after: Option<Self>) -> Result<Option<u64>, Invalid> {
        match after {
            Some(Self::Seq(seq)) => Ok(Some(seq)),
            Some(Self::Name(_)) => Err(Invalid::new("after", "a seq is a number")),
            None => Ok(None),
        }
    }

    /// The id.
    ///
    /// # Errors
    /// Where it is a seq.
    pub fn name(after: &Option<Self>) -> Result<Option<&str>, Invalid> {
        match after {
            Some(Self::Name(name)) => Ok(Some(name)),
            Some(Self::Seq(_)) => Err(Invalid::new("after", "an id is a string")),
            None => Ok(None),
        }
    }
}

/// The room that `data` names.
///
/// # Errors
/// Where it names none, or what is no room's id.
pub fn room(name: Option<&str>) -> Result<RoomId, Invalid> {
    RoomId::parse(name.ok_or_else(|| Invalid::missing("room"))?)
}

/// What to ask for after this part of a list; none on the last one.
pub fn next<T>(part: &ListPart<T>, name: impl Fn(&T) -> String) -> Option<String> {
    part.items.last().filter(|_| part.more).map(name)
}
