//! The truth: one room's log, the histories it had before, and what a question to it sees.

use hubbub_core::{
    limits::CATCH_UP_PAGE,
    live::item::Item,
    log::{
        encoded::EncodedEntry,
        entry::Entry,
        kinds::{Banned, Joined, Left, Message, Text, What},
    },
    model::{
        access::Role,
        ids::{Key, RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
    wire::push,
};
use std::sync::Arc;
use uuid::Uuid;

/// One life of the log. The entry numbered n is at n - 1.
#[derive(Clone)]
pub struct History {
    /// Which.
    pub epoch: Epoch,
    /// Its entries.
    pub log: Vec<Arc<Item>>,
    /// By entry: whose membership it changes, and to what.
    members: Vec<Option<(UserId, bool)>>,
}

impl History {
    /// The last number.
    pub fn head(&self) -> Seq {
        Seq::new(self.log.len() as u64)
    }

    /// Whether `user` is a member; everybody is until removed.
    fn has(&self, user: &UserId) -> bool {
        self.members.iter().rev().flatten().find(|(who, _)| who == user).is_none_or(|(_, member)| *member)
    }
}

/// What a question sees, at one moment.
pub struct View {
    /// The epoch.
    pub epoch: Epoch,
    /// The head.
    pub head: Seq,
    /// The first number kept.
    pub floor: Seq,
    /// A page of entries, if one was asked for.
    pub page: Vec<Arc<Item>>,
    /// Whether the user asked about is a member.
    pub member: bool,
}

/// See the module.
pub struct Store {
    room: RoomId,
    now: History,
    past: Vec<History>,
    floor: Seq,
    made: u128,
    /// It has gone back and nobody has noticed yet. Nothing is written until somebody does: what would be written under
    /// numbers of the same epoch could be told from the lost entries by nobody.
    pub unnoticed: bool,
}

impl Store {
    /// An empty log.
    pub fn new() -> Self {
        let epoch = Epoch { incarnation: 7, generation: 1 };
        let now = History { epoch, log: Vec::new(), members: Vec::new() };
        let room = RoomId::parse("general").unwrap();
        Self { room, now, past: Vec::new(), floor: Seq::new(1), made: 0, unnoticed: false }
    }

    /// The log as it is.
    pub const fn now(&self) -> &History {
        &self.now
    }

    /// The longest log there ever was in `epoch`.
    pub fn truth(&self, epoch: Epoch) -> &History {
        self.past.iter().find(|past| past.epoch == epoch).unwrap_or(&self.now)
    }

    /// A text of `bytes` more bytes than its number.
    pub fn message(&self, bytes: usize) -> What {
        let text = format!("{}{}", self.made, " ".repeat(bytes));
        What::Message(Message::new(Text::trusted(text), None, None))
    }

    /// Somebody comes.
    pub fn joined(user: &UserId) -> What {
        What::Joined(Joined { user: user.clone(), role: Role::Member })
    }

    /// Somebody leaves, or is banned.
    pub fn removed(user: &UserId, banned: bool) -> What {
        if banned { What::Banned(Banned { user: user.clone() }) } else { What::Left(Left { user: user.clone() }) }
    }

    /// Commits one entry.
    pub fn append(&mut self, from: &UserId, what: What) -> Arc<Item> {
        self.made += 1;
        self.now.members.push(match &what {
            What::Joined(Joined { user, .. }) => Some((user.clone(), true)),
            other => other.effects().removed().map(|user| (user.clone(), false)),
        });
        let item = push::item(&EncodedEntry::new(&Entry {
            room: self.room.clone(),
            seq: self.now.head().next(),
            id: Uuid::from_u128(self.made),
            from: from.clone(),
            at: Timestamp(0),
            key: Key::parse("k").unwrap(),
            what,
        }));
        self.now.log.push(Arc::clone(&item));
        item
    }

    /// Loses everything after `head`. `noticed`: the store itself sees that, and counts in another epoch at once.
    pub fn go_back(&mut self, head: usize, noticed: bool) {
        self.past.push(self.now.clone());
        self.now.log.truncate(head);
        self.now.members.truncate(head);
        self.floor = self.floor.min(self.now.head().next());
        self.unnoticed = true;
        if noticed {
            self.bump(self.now.epoch);
        }
    }

    /// Ends `epoch`, unless that has happened.
    pub const fn bump(&mut self, epoch: Epoch) {
        if self.now.epoch.generation == epoch.generation {
            self.now.epoch.generation += 1;
            self.unnoticed = false;
        }
    }

    /// Retention keeps only what comes after `seq`.
    pub fn keep_after(&mut self, seq: Seq) {
        self.floor = self.floor.max(seq.next());
    }

    /// What is seen at this moment, with the page after `after`.
    pub fn view(&self, after: Option<Seq>, user: Option<&UserId>) -> View {
        let page = after.map_or(Vec::new(), |after| {
            let skip = after.max(self.floor.before()).get() as usize;
            self.now.log.iter().skip(skip).take(CATCH_UP_PAGE).cloned().collect()
        });
        View {
            epoch: self.now.epoch,
            head: self.now.head(),
            floor: self.floor,
            page,
            member: user.is_none_or(|user| self.now.has(user)),
        }
    }
}
