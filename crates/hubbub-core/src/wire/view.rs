//! How rooms, members and pages look to clients, over `rpc` and over REST alike.

use crate::log::encoded;
use crate::{
    log::{
        entry::{Entry, Place},
        room::{Listed, Member, Page, Part, Room},
    },
    model::{access::Standing, ids::RoomId, json::Json},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An entry as JSON.
pub fn entry(entry: &Entry) -> Box<RawValue> {
    encoded::raw(entry)
}

/// Where a message went.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentView {
    /// The message's id, a UUID.
    id: String,
    /// The room.
    room: String,
    /// Its number in the room.
    seq: u64,
    /// What that number counts in.
    epoch: String,
    /// When the store took it.
    at: String,
}

impl SentView {
    /// An acknowledgement.
    pub fn new(room: &RoomId, place: Place) -> Self {
        Self {
            id: place.id.to_string(),
            room: room.to_string(),
            seq: place.seq.get(),
            epoch: place.epoch.to_string(),
            at: place.at.to_string(),
        }
    }
}

/// A page of a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    /// Entries, ascending and without holes.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Box<RawValue>>,
    /// The last seq of the room.
    head: u64,
    /// The first seq that is kept.
    floor: u64,
    /// What the numbers count in.
    epoch: String,
}

impl PageView {
    /// A page.
    pub fn new(page: &Page) -> Self {
        Self {
            entries: page.entries.iter().map(entry).collect(),
            head: page.head.get(),
            floor: page.floor.get(),
            epoch: page.epoch.to_string(),
        }
    }
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomView {
    /// Its id.
    id: String,
    /// open, private or direct.
    kind: &'static str,
    /// For people.
    name: String,
    /// The last seq.
    head: u64,
    /// The first seq that is kept.
    floor: u64,
    /// What the numbers count in.
    epoch: String,
    /// What the asker is there: member or admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// The newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    last: Option<Box<RawValue>>,
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
            last: None,
        }
    }
}

/// Some of a user's rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomsView {
    /// The rooms, by id.
    rooms: Vec<RoomView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl RoomsView {
    /// A part of the list.
    pub fn new(part: &Part<Listed>) -> Self {
        let view = |l: &Listed| RoomView { last: l.last.as_ref().map(entry), ..RoomView::new(&l.room, l.standing) };
        Self { rooms: part.items.iter().map(view).collect(), next: next(part, |l| l.room.id.to_string()) }
    }
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// Who.
    user: String,
    /// member or admin.
    role: Option<&'static str>,
    /// The entry that made it so.
    since: u64,
    /// What the product says about the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    info: Option<Box<RawValue>>,
}

/// Some of a room's members.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembersView {
    /// The members, by id.
    members: Vec<MemberView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl MembersView {
    /// A part of the list.
    pub fn new(part: &Part<Member>) -> Self {
        let view = |member: &Member| MemberView {
            user: member.user.to_string(),
            role: member.membership.standing.word(),
            since: member.membership.since.get(),
            info: member.info.as_ref().map(Json::to_raw),
        };
        Self { members: part.items.iter().map(view).collect(), next: next(part, |m| m.user.to_string()) }
    }
}

pub(super) fn next<T>(part: &Part<T>, name: impl Fn(&T) -> String) -> Option<String> {
    part.items.last().filter(|_| part.more).map(name)
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
