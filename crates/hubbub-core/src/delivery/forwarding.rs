//! What is told about an entry on its way to a receiver outside.

use crate::model::{ids::RoomId, seq::Seq};

/// How far an entry has got. It is a hint to the customer's devices, and is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The room.
    pub room: RoomId,
    /// The entry.
    pub seq: Seq,
    /// What became of it.
    pub way: Way,
}

/// What became of an entry on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The receiver has everything up to it.
    Forwarded,
    /// The receiver has not taken it yet; it is tried again.
    Delayed,
    /// It was given up on.
    Failed,
}

impl Way {
    /// The word for it on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Delayed => "forward_delayed",
            Self::Failed => "forward_failed",
        }
    }

    /// Reads the word; `None`: of a newer version.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Forwarded, Self::Delayed, Self::Failed].into_iter().find(|way| way.word() == word)
    }
}
