//! A support conversation: a private room with one customer and a portal.

use super::PortalId;
use crate::log::kinds::SessionState;
use crate::{
    log::{entry::Entry, room::Room},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// A session, as a store shows it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The room: its id is the session's.
    pub room: Room,
    /// The portal.
    pub portal: PortalId,
    /// The customer.
    pub customer: UserId,
    /// Where it stands.
    pub state: SessionState,
    /// The portal's own id of the conversation, once it is known.
    pub external: Option<String>,
    /// How far the portal has got.
    pub delivery: Delivery,
}

/// How far a portal has got in a session's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The last seq that the portal has, that was not for it, or that was given up on.
    pub position: Seq,
    /// The last seq that is to be looked at. Equal to `position`: nothing waits.
    pub head: Seq,
    /// When what waits longest was taken.
    pub waiting_since: Option<Timestamp>,
    /// When the next attempt is due; while one is under way, when its lease ends.
    pub due_at: Option<Timestamp>,
    /// Attempts of the entry after `position` that count against it ([`super::retry`]).
    pub counted: u32,
    /// When the entry after `position` was first attempted.
    pub since: Option<Timestamp>,
    /// Its attempts, the newest last, at most [`crate::limits::ATTEMPTS_KEPT`]; empty once the portal has taken it.
    pub attempts: Vec<Attempt>,
    /// The session stands still at a dead letter, as its portal is configured.
    pub blocked: bool,
    /// The numbers given up on and not delivered since, ascending, at most [`crate::limits::FAILED_SHOWN`].
    pub failed: Vec<Seq>,
}

/// One POST and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, by the clock of the instance that made it; milliseconds since 1970.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// The status of the answer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What went wrong, in words; absent when the portal took it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Which instance made it.
    pub instance: String,
}

/// An entry that was given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number among all dead letters.
    pub number: u64,
    /// The portal that did not take it.
    pub portal: PortalId,
    /// The entry.
    pub entry: Entry,
    /// When it was given up on.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// Its attempts, those of replays included, the newest last.
    pub attempts: Vec<Attempt>,
    /// An operator has asked for it to be sent again, and that has not happened yet.
    pub replaying: bool,
    /// When the portal took it after all.
    pub delivered_at: Option<Timestamp>,
}

/// An event from a portal for a session that is not known, kept for an operator to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number among all of them.
    pub number: u64,
    /// The portal.
    pub portal: PortalId,
    /// When it came.
    pub at: Timestamp,
    /// The session it named, as the portal spelled it.
    pub session: Option<String>,
    /// The portal's own id of the conversation that it named.
    pub external: Option<String>,
    /// Who wrote.
    pub from: UserId,
    /// What was written.
    pub text: String,
    /// What was attached, as JSON.
    pub data: Option<String>,
    /// What tells repeats of it.
    pub event: Option<String>,
}

/// What a customer's devices are told about the way of an entry to the portal: a hint, kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The session.
    pub room: RoomId,
    /// The entry.
    pub seq: Seq,
    /// What became of it.
    pub way: Way,
}

/// What became of an entry on its way to a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The portal has everything up to it.
    Forwarded,
    /// The portal has not taken it yet; it is tried again.
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

/// The one session of a customer with a portal that is opened without naming an id.
pub fn default_session(portal: &PortalId, customer: &UserId) -> RoomId {
    RoomId::session(portal.as_str(), customer)
}
