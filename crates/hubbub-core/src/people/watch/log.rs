//! A room with members here, and what is not known of it.

use super::{HeadOf, UserNo};
use crate::model::{
    ids::{RoomId, UserId},
    seq::Seq,
};
use std::{collections::BTreeMap, time::Instant};

/// Somebody comes or goes.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) room: RoomId,
    pub(super) head: HeadOf,
    pub(super) user: UserId,
    pub(super) is_member: bool,
}

#[derive(Debug)]
pub(super) struct Log {
    pub(super) head: HeadOf,
    /// From here on every entry was gone over.
    pub(super) since: Seq,
    /// In order.
    pub(super) members: Vec<UserNo>,
    pub(super) told_at: Option<Instant>,
    pub(super) due: Option<Instant>,
    pub(super) mentions: Mentions,
    pub(super) doubt: Option<Box<Doubt>>,
}

/// Who was named since they were told last, and in which entry.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    pub(super) all: Option<Seq>,
    pub(super) users: Vec<(UserNo, Seq)>,
}

/// A number is missing.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// When the members are to be read; `None`: they are being read.
    pub(super) due: Option<Instant>,
    /// What was heard of behind it.
    pub(super) ahead: BTreeMap<Seq, Ahead>,
    /// Whatever comes: it is not the numbers that are doubted.
    pub(super) must_read: bool,
    /// While they are being read: who has come and gone.
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub(super) admitted: Option<UserId>,
    pub(super) removed: Option<UserId>,
    /// What it does is known.
    pub(super) is_known: bool,
    pub(super) mentions: Vec<UserId>,
    pub(super) mentions_all: bool,
}

/// A room of which its members here are told, some at a time.
#[derive(Debug)]
pub struct Telling {
    /// The room.
    pub room: RoomId,
    /// How far its log reaches.
    pub head: Seq,
    pub(super) mentions: Mentions,
    pub(super) after: Option<UserNo>,
}

impl Telling {
    /// The entry in which this user is named, if they are.
    pub fn mention(&self, user: UserNo) -> Option<Seq> {
        let own = self.mentions.users.iter().rev().find(|(named, _)| *named == user).map(|(_, seq)| *seq);
        own.max(self.mentions.all)
    }
}

impl Log {
    pub(super) fn new(head: HeadOf) -> Self {
        let (members, mentions) = (Vec::new(), Mentions::default());
        Self { head, since: head.1, members, told_at: None, due: None, mentions, doubt: None }
    }
}
