//! What a log is made of.

pub use super::situation::Right;
use super::{
    features::Feature,
    hash::{BodyHash, HashKey},
    kinds::{SessionState, What},
};
use crate::model::{
    access::Refusal,
    ids::{Key, RoomId, UserId},
    seq::{Epoch, Seq},
    time::Timestamp,
};
use uuid::Uuid;

/// One entry of a room's log: something durable that happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The room.
    pub room: RoomId,
    /// Its number in the room.
    pub seq: Seq,
    /// Its name everywhere, a UUID of version 7.
    pub id: Uuid,
    /// Who did it.
    pub from: UserId,
    /// When the store took it, by the store's clock.
    pub at: Timestamp,
    /// What makes it happen once.
    pub key: Key,
    /// What happened.
    pub what: What,
}

/// An entry that is not in the log yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The room it is for.
    pub room: RoomId,
    /// The id it will have if it is the first with its key.
    pub id: Uuid,
    /// Who does it.
    pub from: UserId,
    /// The client's key, or one made at admission.
    pub key: Key,
    /// What the key stands for.
    pub hash: BodyHash,
    /// What is to happen.
    pub what: What,
    /// By whose right.
    pub right: Right,
    /// What makes it happen once beside its key, also when it comes again with another key or for another room.
    pub once: Option<Box<EventName>>,
    /// The entry that is to be right before this one, where it changes anything. Both are decided by how things stand before
    /// them, and written together or not at all.
    pub before: Option<Box<Before>>,
    /// What it needs and an instance that lives does not know: it is not taken, unless its key was taken before.
    pub not_yet: Option<Feature>,
}

/// A name that is taken by one entry of all rooms. The entry that takes it is the first that is appended with it, unless something came
/// with it before that changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName {
    /// Within what the name is taken once: the number that the database gave to whoever names events, such as a portal.
    pub scope: i64,
    /// The name, of at most twice [`crate::limits::EXTERNAL_BYTES`].
    pub name: Box<str>,
}

/// An entry right before another of the same sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The id that the entry will have; its key is made of it.
    pub id: Uuid,
    /// What the key stands for.
    pub hash: BodyHash,
    /// What is to happen.
    pub what: What,
}

/// What somebody wants to have in a log: a draft without what is made for it at admission.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The room.
    pub room: RoomId,
    /// Who does it.
    pub from: UserId,
    /// The client's key; without one it is made of the draft's id.
    pub key: Option<Key>,
    /// What is to happen.
    pub what: What,
    /// By whose right.
    pub right: Right,
    /// See [`Draft::once`].
    pub once: Option<Box<EventName>>,
    /// Whether it opens the room's session again, where that does not stand open: see [`Draft::before`]. That is no part of what
    /// its key stands for.
    pub opens: bool,
    /// What is to happen right before it, and is part of what its key stands for.
    pub before: Option<What>,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Appended(Place),
    /// It is in the log, and right before it its [`Draft::before`].
    Both {
        /// The one before.
        before: Box<Place>,
        /// The draft's own entry.
        place: Box<Place>,
    },
    /// The log of some room has an entry with its [`EventName`] already: this is the first.
    Repeated {
        /// The room of the first.
        room: RoomId,
        /// The first.
        place: Box<Place>,
    },
    /// It is in the log, with what only the log knows of it, or as what alone of it is news.
    Filled {
        /// Where.
        place: Box<Place>,
        /// What happened.
        what: Box<What>,
    },
    /// Its key is in the log already, with the same body: this is the first.
    Known(Place),
    /// Its key is in the log already, with another body.
    Conflict {
        /// The first entry with the key.
        id: Uuid,
        /// Where that one is.
        seq: Seq,
    },
    /// Things were as asked before: nothing was written, but that its [`EventName`] is taken. Or that was so before.
    Unchanged,
    /// It may not be.
    Refused(Refusal),
    /// It may be, once every instance that lives knows this: see [`Draft::not_yet`].
    NotYet(Feature),
    /// Nothing was decided: the transaction has [as much](crate::limits::BLANKED_AT_ONCE) to blank as it may, and the draft is a
    /// deletion, or behind one in its room. It is to be asked again; the first deletion of a batch is never put off.
    PutOff,
}

/// Where and when an entry came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The entry.
    pub id: Uuid,
    /// Its number.
    pub seq: Seq,
    /// The epoch of that number.
    pub epoch: Epoch,
    /// When.
    pub at: Timestamp,
}

impl Before {
    /// What opens a session again.
    pub const OPENS: What = What::State(SessionState::Open);

    /// This before another.
    pub fn new(id: Uuid, what: What, hash_key: &HashKey) -> Self {
        Self { id, hash: hash_key.hash(&what), what }
    }

    /// What makes it happen once.
    pub fn key(&self) -> Key {
        Key::of_id(self.id)
    }
}

impl Proposal {
    /// Something `from` wants to do in a room, once by its key.
    pub const fn new(room: RoomId, from: UserId, key: Option<Key>, what: What, right: Right) -> Self {
        Self { room, from, key, what, right, once: None, opens: false, before: None }
    }

    /// The draft of it. `new_id` makes ids: UUIDs of version 7, each of them once.
    pub fn draft(self, hash_key: &HashKey, mut new_id: impl FnMut() -> Uuid) -> Draft {
        let hash = match &self.before {
            Some(before) => hash_key.hash_both(before, &self.what),
            None => hash_key.hash(&self.what),
        };
        let before = self.before.or_else(|| self.opens.then_some(Before::OPENS));
        let before = before.map(|what| Before::new(new_id(), what, hash_key).into());
        let id = new_id();
        Draft {
            room: self.room,
            id,
            from: self.from,
            key: self.key.unwrap_or_else(|| Key::of_id(id)),
            hash,
            what: self.what,
            right: self.right,
            once: self.once,
            before,
            not_yet: None,
        }
    }
}

impl Draft {
    /// All that is to happen, in order.
    pub fn all(&self) -> impl Iterator<Item = &What> {
        self.before.iter().map(|before| &before.what).chain([&self.what])
    }

    /// Whom it makes an admin right before it changes the sender's own role.
    pub fn successor(&self) -> Option<&UserId> {
        match (&self.before.as_deref()?.what, &self.what) {
            (What::Joined(first), What::Joined(own)) if own.user == self.from => Some(&first.user),
            _ => None,
        }
    }

    /// The entry right before this draft's own.
    pub fn entry_before(&self, before: &Before, place: Place) -> Entry {
        Entry {
            room: self.room.clone(),
            seq: place.seq,
            id: place.id,
            from: self.from.clone(),
            at: place.at,
            key: before.key(),
            what: before.what.clone(),
        }
    }

    /// The entry this draft became.
    pub fn into_entry(self, place: Place) -> Entry {
        Entry {
            room: self.room,
            seq: place.seq,
            id: place.id,
            from: self.from,
            at: place.at,
            key: self.key,
            what: self.what,
        }
    }
}
