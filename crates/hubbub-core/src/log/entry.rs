//! What a log is made of.

pub use super::kinds::Right;
use super::{hash::BodyHash, kinds::What};
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
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Appended(Place),
    /// Its key is in the log already, with the same body: this is the first.
    Known(Place),
    /// Its key is in the log already, with another body.
    Conflict {
        /// The first entry with the key.
        id: Uuid,
        /// Where that one is.
        seq: Seq,
    },
    /// Things were as asked before; nothing was written.
    Unchanged,
    /// It may not be.
    Refused(Refusal),
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

impl Draft {
    /// The entry this draft became.
    pub fn entry(&self, place: Place) -> Entry {
        Entry {
            room: self.room.clone(),
            seq: place.seq,
            id: place.id,
            from: self.from.clone(),
            at: place.at,
            key: self.key.clone(),
            what: self.what.clone(),
        }
    }
}
