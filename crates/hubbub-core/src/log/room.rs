//! Rooms, as a store shows them.

use super::{
    fold::Shown,
    settings::{HistoryFrom, Settings},
};
use crate::{
    log::entry::{Draft, Entry},
    model::{
        access::{Membership, Refusal, RoomKind, Standing},
        ids::{RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
        time::Timestamp,
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
    /// The first seq that the asker may read: that which retention has kept, or a later one. See [`floor_of`].
    pub floor: Seq,
    /// What its numbers belong to.
    pub epoch: Epoch,
    /// What an admin has set.
    pub settings: Settings,
}

/// What is kept of a room beside its row, which commits copy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomInfo {
    /// What it is about, for people; may be empty.
    pub topic: Box<str>,
    /// What the product keeps with it.
    pub data: Option<Json>,
}

impl RoomInfo {
    /// What it weighs in a page.
    pub fn weight(&self) -> usize {
        self.topic.len() + self.data.as_ref().map_or(0, |data| data.as_str().len())
    }
}

/// The first seq that somebody may read in a room whose log is kept from `kept` on and ends with `head`: where members read from
/// the entry on with which they last joined, `joined`, who has not joined reads nothing that is there already. For the server
/// itself and the product's backend it is `kept`.
pub fn floor_of(kept: Seq, head: Seq, from: HistoryFrom, standing: Standing, joined: Seq) -> Seq {
    match (from, standing) {
        (HistoryFrom::All, _) => kept,
        (HistoryFrom::Joined, Standing::Member(_)) => kept.max(joined),
        (HistoryFrom::Joined, Standing::Stranger | Standing::Banned) => kept.max(head.next()),
    }
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
    /// Whether there is such a room, for whoever may read any of them.
    ///
    /// # Errors
    /// It was deleted.
    pub fn is_there(&self) -> Result<(), Refusal> {
        if self.room.kind == RoomKind::Deleted { Err(Refusal::RoomDeleted) } else { Ok(()) }
    }

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

/// What people read, in order of `seq`, as it is now: messages with what became of them, and lines. All of it is of one snapshot,
/// and ends early as a [`Page`] does; what hangs on a message weighs, too.
#[derive(Debug, Clone)]
pub struct ShownPage {
    /// What the numbers belong to.
    pub epoch: Epoch,
    /// The first seq that the asker may read.
    pub floor: Seq,
    /// The last seq: everything up to it is in what is shown.
    pub head: Seq,
    /// The entries, ascending.
    pub entries: Vec<Shown>,
}

/// Which of what people read. A seq that is not shown stands for its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownOf {
    /// What the room shows.
    Room(PageOf),
    /// The replies in the thread of this message.
    Thread(Seq, PageOf),
    /// The pinned messages.
    Pins(PageOf),
    /// This message, wherever it stands.
    One(Seq),
}

impl ShownOf {
    /// Which page of those.
    pub const fn page(self) -> PageOf {
        match self {
            Self::Room(page) | Self::Thread(_, page) | Self::Pins(page) => page,
            Self::One(seq) => PageOf::Around(seq),
        }
    }
}

/// Somebody who has reacted to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactor {
    /// With which emoji or word.
    pub reaction: Box<str>,
    /// Who.
    pub user: UserId,
    /// The entry that says so.
    pub seq: Seq,
}

/// Which of those who have reacted to a message: all, or those with one reaction; after this one, in the order of reactions and
/// then of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReactorsOf {
    /// This reaction alone.
    pub reaction: Option<Box<str>>,
    /// The last that was seen: a reaction and a user.
    pub after: Option<(Box<str>, UserId)>,
}

impl ReactorsOf {
    /// Behind which reaction and user they begin, by their bytes.
    pub fn begin(&self) -> (&str, &str) {
        match (&self.after, &self.reaction) {
            (Some((reaction, user)), _) => (reaction, user.as_str()),
            (None, Some(reaction)) => (reaction, ""),
            (None, None) => ("", ""),
        }
    }
}

/// Some of those who have reacted to a message, from one snapshot.
#[derive(Debug, Clone)]
pub struct Reactors {
    /// Whether there is such a message, also where it was deleted.
    pub is_message: bool,
    /// The reactors; none of a message that was deleted.
    pub part: ListPart<Reactor>,
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

impl<T> ListPart<T> {
    /// The first `limit` of these, of which one more was looked at.
    pub fn cut(mut items: Vec<T>, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

/// A member in a room's list.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what, and since which entry.
    pub membership: Membership,
    /// Until when they are muted, where that is not over.
    pub muted_until: Option<Timestamp>,
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
    /// Whether it is what is left of a room that was deleted.
    pub deleted: bool,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::Role;

    #[test]
    fn where_somebody_reads_from() {
        let of = |kept, from, standing, joined| {
            floor_of(Seq::new(kept), Seq::new(50), from, standing, Seq::new(joined)).get()
        };
        for role in [Role::Reader, Role::Member, Role::Moderator, Role::Admin] {
            let member = Standing::Member(role);
            assert_eq!(of(1, HistoryFrom::All, member, 20), 1);
            assert_eq!(of(1, HistoryFrom::Joined, member, 20), 20);
            assert_eq!(of(30, HistoryFrom::Joined, member, 20), 30, "retention goes further");
        }
        for other in [Standing::Stranger, Standing::Banned] {
            assert_eq!(of(1, HistoryFrom::All, other, 0), 1);
            assert_eq!(of(1, HistoryFrom::Joined, other, 0), 51, "nobody leaves to read more");
        }
    }
}
