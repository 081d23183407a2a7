//! A support conversation: a private room with one customer and a portal.

use super::PortalId;
use crate::{
    delivery::{attempt::Attempt, progress::Progress, stored_cursor::Delivery},
    log::{entry::Entry, kinds::SessionState, room::Room},
    model::{
        ids::{RoomId, UserId},
        time::Timestamp,
    },
};
use std::collections::BTreeMap;

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
    /// The portal's own id of the conversation, once it is known: what goes out.
    pub external: Option<String>,
    /// What else was picked from the portal's answers, by name.
    pub refs: BTreeMap<String, String>,
    /// Others that it was called by, the newest first, at most [`crate::limits::EXTERNALS_SHOWN`]: they find it, too.
    pub externals: Vec<String>,
    /// Other sessions with the same id, at most [`crate::limits::SHARED_SHOWN`].
    pub shared_with: Vec<RoomId>,
    /// How far the portal has got.
    pub delivery: Delivery,
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
    /// How far its calls have come.
    pub progress: Option<Progress>,
}

/// An event from a portal for a session that is not known, kept until it is, or until an operator decides.
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
    /// It leaves by itself once its session is known.
    pub awaits: bool,
    /// When it is thrown away, if its session is not known by then.
    pub until: Option<Timestamp>,
}

/// An event in quarantine whose session is known by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releasable {
    /// The event.
    pub kept: Quarantined,
    /// The portal's number inside the database.
    pub portal: i64,
    /// The session that it goes to.
    pub session: RoomId,
}

/// The one session of a customer with a portal that is opened without naming an id.
pub fn default_session(portal: &PortalId, customer: &UserId) -> RoomId {
    RoomId::session(portal.as_str(), customer)
}
