//! Invitations that wait for an answer.

use crate::chat::methods::Actor;
use hubbub_core::model::{
    access::RoomKind,
    ids::{RoomId, UserId},
    time::Timestamp,
};
use std::time::Duration;

/// An invitation to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvite {
    /// The room.
    pub room: RoomId,
    /// Who is invited.
    pub user: UserId,
    /// By whom.
    pub by: UserId,
    /// How long it waits.
    pub lasts: Duration,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The room.
    pub room: RoomId,
    /// Who is invited.
    pub user: UserId,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// An invitation as it is shown to whom is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInvite {
    /// It.
    pub invite: Invite,
    /// What kind of room.
    pub kind: RoomKind,
    /// The room's name.
    pub name: String,
}

/// What became of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invited {
    /// It waits.
    Is {
        /// It: the first of the same person by the same, as long as that waits.
        invite: Invite,
        /// Whether it was made just now, and may be told to whom it is for.
        is_news: bool,
    },
    /// As many wait for this room as may.
    TooMany,
    /// There is no such room any more.
    NoRoom,
}

impl Invite {
    /// Who has sent it, to be looked at again: it is good as long as they may.
    pub fn actor(&self) -> Actor {
        if self.by == UserId::backend() { Actor::backend() } else { Actor::for_user(self.by.clone()) }
    }
}

/// Invitations that have expired and are taken away along with a new one.
pub const SWEPT: usize = 100;
