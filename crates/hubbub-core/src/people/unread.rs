//! What somebody has not read: computed each time it is asked for, so that nothing can drift.
//!
//! Read is everything up to the *mark*, up to the entry with which one last joined, and up to one's own newest message that the room
//! shows, whichever is furthest: who sends has read. Unread are messages after that which the room shows and which are not gone;
//! mentions are messages after that, those within threads included, which mention one by name or all as they are now.

use crate::{
    limits::{UNREAD_MAX, UNREAD_ROWS},
    log::{
        entry::Entry,
        fold::PageKind,
        kinds::{Content, Deleted, Edited, Gone, Kind, Message, What},
    },
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use std::collections::BTreeMap;

/// How many there are of something that is counted to [`UNREAD_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// So many were counted.
    pub count: u64,
    /// There are more, or may be.
    pub more: bool,
}

impl Counted {
    /// So many were found where one more than [`UNREAD_MAX`] was looked for. `ended`: whether all was looked at.
    pub fn of(found: u64, ended: bool) -> Self {
        Self { count: found.min(UNREAD_MAX), more: !ended || found > UNREAD_MAX }
    }

    /// Whether there is nothing.
    pub const fn is_none(self) -> bool {
        self.count == 0 && !self.more
    }
}

/// What somebody has read of a room, and what not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// Their mark: how far they have said that they have read.
    pub read: Seq,
    /// Messages that the room shows.
    pub unread: Counted,
    /// Messages that mention them.
    pub mentions: Counted,
}

impl Unread {
    /// Whether there is nothing for them.
    pub const fn is_none(&self) -> bool {
        self.unread.is_none() && self.mentions.is_none()
    }
}

/// A room in which somebody has something unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRoom {
    /// The room.
    pub room: RoomId,
    /// The last number given there.
    pub head: Seq,
    /// What is unread.
    pub unread: Unread,
}

/// Some of the rooms in which somebody has something unread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnreadPart {
    /// The rooms, by id.
    pub rooms: Vec<UnreadRoom>,
    /// The last room that was looked at, where others come after it.
    pub next: Option<RoomId>,
}

/// How far a member has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// Their mark.
    pub read: Seq,
    /// When it was set.
    pub at: Timestamp,
}

/// How far the members of a room have read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipts {
    /// It has more members than are shown so.
    TooMany,
    /// Those who have a mark, by id.
    Of(Vec<Receipt>),
}

/// A look at what a room shows, from its newest entry down to where somebody has read: at most [`UNREAD_ROWS`] entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    looked: u64,
    found: u64,
    own: Option<Seq>,
}

/// An entry that the room shows, as far as it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// Its number.
    pub seq: Seq,
    /// Whether it is a message, also where that is gone.
    pub is_message: bool,
    /// Whether the reader wrote it.
    pub is_own: bool,
    /// Whether its content was blanked.
    pub is_gone: bool,
}

impl Look {
    /// Takes the next one below. Says whether to go on.
    pub fn at(&mut self, entry: Looked) -> bool {
        self.looked += 1;
        if entry.is_message && entry.is_own {
            self.own = Some(entry.seq);
        } else {
            self.found += u64::from(entry.is_message && !entry.is_gone);
        }
        self.own.is_none() && self.looked < UNREAD_ROWS
    }

    /// The same of a look that a database took.
    pub const fn taken(looked: u64, found: u64, own: Option<Seq>) -> Self {
        Self { looked, found, own }
    }

    /// Whether it went down to the end: unless as many entries were looked at as may be.
    pub const fn ended(&self) -> bool {
        self.own.is_some() || self.looked < UNREAD_ROWS
    }

    /// What there is.
    pub fn unread(&self) -> Counted {
        Counted::of(self.found, self.ended())
    }

    /// How many mention them, of which so many mention everybody: own ones are among these.
    pub fn mentions(&self, found: u64, of_all: u64) -> Counted {
        Counted::of(found, self.ended() && of_all < UNREAD_ROWS)
    }

    /// How far one has read, where that is known to be at least `from`. An own message further back is not looked for.
    pub fn read(&self, from: Seq) -> Seq {
        from.max(self.own.unwrap_or(Seq::ZERO))
    }
}

/// The rule, by the entries of a room as they are read now, all of them: for `me`, whose mark is `read` and who `joined` with that
/// entry. Stores find the same by their indexes.
pub fn unread_of(log: &[Entry], me: &UserId, read: Seq, joined: Seq) -> Unread {
    struct Said<'a> {
        from: &'a UserId,
        content: Option<&'a Content>,
    }
    let mut messages: BTreeMap<Seq, Said<'_>> = BTreeMap::new();
    for entry in log {
        match &entry.what {
            What::Message(Message { content, .. }) => {
                messages.insert(entry.seq, Said { from: &entry.from, content: Some(content) });
            }
            What::Gone(Gone { word, .. }) if Message::WORDS.contains(&&**word) => {
                messages.insert(entry.seq, Said { from: &entry.from, content: None });
            }
            What::Edited(Edited { target, content }) => {
                if let Some(said) = messages.get_mut(target).filter(|said| said.content.is_some()) {
                    said.content = Some(content);
                }
            }
            // A blanked edit is one of a message that is gone.
            What::Gone(Gone { word, target: Some(target), .. }) if Edited::WORDS.contains(&&**word) => {
                messages.entry(*target).and_modify(|said| said.content = None);
            }
            What::Deleted(Deleted { target, .. }) => {
                messages.entry(*target).and_modify(|said| said.content = None);
            }
            _ => {}
        }
    }
    let (from, mut look) = (read.max(joined), Look::default());
    for entry in log.iter().rev().filter(|entry| entry.seq > from && PageKind::Room.shows(&entry.what)) {
        let said = messages.get(&entry.seq);
        let looked = Looked {
            seq: entry.seq,
            is_message: said.is_some(),
            is_own: entry.from == *me,
            is_gone: said.is_some_and(|said| said.content.is_none()),
        };
        if !look.at(looked) {
            break;
        }
    }
    let from = look.read(from);
    let (mut meant, mut of_all) = (0, 0);
    for Said { from, content } in messages.range(from.next()..).rev().map(|(_, said)| said) {
        let Some(content) = content else { continue };
        let is_looked_at = of_all < UNREAD_ROWS;
        of_all += u64::from(content.mention_all && is_looked_at);
        let is_named = if content.mention_all { is_looked_at } else { content.mentions.contains(me) };
        meant += u64::from(is_named && *from != me);
    }
    Unread { read, unread: look.unread(), mentions: look.mentions(meant, of_all) }
}

#[cfg(test)]
mod tests;
