//! Rooms, as a store shows them.

use crate::{
    log::entry::{Draft, Entry},
    model::{
        access::{Membership, Refusal, RoomKind, Standing},
        ids::{RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
    },
};

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// For people.
    pub name: String,
    /// The last number given.
    pub head: Seq,
    /// The first seq that retention has kept.
    pub floor: Seq,
    /// What its numbers belong to.
    pub epoch: Epoch,
}

/// A room and how the asker stands to it, from one snapshot.
#[derive(Debug, Clone)]
pub struct View {
    /// The room.
    pub room: Room,
    /// The asker's standing.
    pub standing: Standing,
}

impl View {
    /// Whether the asker may read the log.
    pub fn may_read(&self) -> Result<(), Refusal> {
        self.room.kind.may_read(self.standing)
    }
}

/// A room to be made, with its first members; each becomes a `joined` entry.
#[derive(Debug, Clone)]
pub struct RoomProposal {
    /// Its id.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// For people.
    pub name: String,
    /// Drafts of the first entries: what can found a room ([`super::kinds::Kind::founds`]), by the creator's or the backend's right.
    pub first: Vec<Draft>,
}

/// A page of a log, in order of `seq`. All of it, and `head`, were there when the read began or came while it ran;
/// no entry is beyond `head`, and it ends early when it weighs more than [`crate::limits::PAGE_BYTES`].
#[derive(Debug, Clone)]
pub struct Page {
    /// What the numbers belong to.
    pub epoch: Epoch,
    /// The first seq kept.
    pub floor: Seq,
    /// The last seq.
    pub head: Seq,
    /// The entries, ascending and without holes.
    pub entries: Vec<Entry>,
}

/// A part of a list that is in order. It ends early once it weighs more than [`crate::limits::PAGE_BYTES`], but not before its
/// first item: that it is shorter than what was asked for says nothing.
#[derive(Debug, Clone)]
pub struct ListPart<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether others come after them.
    pub more: bool,
}

/// A room in somebody's list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The room.
    pub room: Room,
    /// The asker's standing.
    pub standing: Standing,
    /// The newest message, if it has one.
    pub last: Option<Entry>,
}

/// A member in a room's list.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what, and since which entry.
    pub membership: Membership,
    /// What the product says about the user.
    pub info: Option<Json>,
}

/// A head and what it counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last seq.
    pub seq: Seq,
    /// Its epoch.
    pub epoch: Epoch,
}

/// Which page of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOf {
    /// The newest.
    Newest,
    /// Entries before this one, the nearest to it.
    Before(Seq),
    /// Entries after this one, the nearest to it.
    After(Seq),
    /// Half before, then this one, and half after.
    Around(Seq),
}
