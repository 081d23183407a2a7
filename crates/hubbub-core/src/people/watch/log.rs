//! A room with members here, and what is not known of it.

use super::{EntryNews, HeadOf, UserNo, mentions::Mentions};
use crate::model::{
    ids::{RoomId, UserId},
    seq::Seq,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

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
    /// Which of all logs that were made.
    pub(super) life: u64,
    pub(super) head: HeadOf,
    /// From here on every entry was gone over.
    pub(super) since: Seq,
    /// Those between this one and `since` were not: the members were read instead.
    pub(super) over: Seq,
    /// In order.
    pub(super) members: Vec<UserNo>,
    pub(super) told_at: Option<Instant>,
    /// While its members are being told: who has become one since that began. What they are told is not for them.
    pub(super) came: Option<BTreeSet<UserNo>>,
    pub(super) due: Option<Instant>,
    pub(super) mentions: Mentions,
    pub(super) doubt: Option<Box<Doubt>>,
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
    /// Who is to bring them.
    pub(super) asked: u64,
    /// While they are being read: who has come and gone.
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub(super) admitted: Option<UserId>,
    pub(super) removed: Option<UserId>,
    /// What it does is known.
    pub(super) is_known: bool,
    pub(super) author: Option<UserId>,
    pub(super) mentions: Vec<UserId>,
    pub(super) mentions_all: bool,
}

impl Ahead {
    pub(super) fn news(&self) -> EntryNews<'_> {
        EntryNews {
            admitted: self.admitted.as_ref(),
            removed: self.removed.as_ref(),
            author: self.author.as_ref(),
            mentions: &self.mentions,
            mentions_all: self.mentions_all,
        }
    }
}

/// A room whose members are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The room.
    pub room: RoomId,
    pub(super) no: u64,
}

/// A room of which its members here are told, some at a time.
#[derive(Debug)]
pub struct Telling {
    /// The room.
    pub room: RoomId,
    pub(super) life: u64,
    /// How far its log reaches.
    pub head: Seq,
    pub(super) mentions: Mentions,
    pub(super) after: Option<UserNo>,
}

impl Telling {
    /// The entries in which somebody is named.
    pub fn mentioning(&self) -> Vec<Seq> {
        self.mentions.entries()
    }

    /// The entry in which this user is named, if they are.
    pub fn mention(&self, user: UserNo) -> Option<Seq> {
        self.mentions.of(user)
    }
}

impl Log {
    pub(super) fn new(head: HeadOf, life: u64) -> Self {
        let (members, mentions, seq) = (Vec::new(), Mentions::default(), head.1);
        Self { life, head, since: seq, over: seq, members, told_at: None, came: None, due: None, mentions, doubt: None }
    }

    /// Whether it is known who is a member at the head. While a later entry is merely heard before it, that is so, unless it
    /// removes somebody: who was told that is told nothing more.
    pub(super) fn is_certain(&self) -> bool {
        let is_harmless = |ahead: &Ahead| ahead.is_known && ahead.removed.is_none();
        let is_certain =
            |doubt: &Doubt| doubt.due.is_some() && !doubt.must_read && doubt.ahead.values().all(is_harmless);
        self.doubt.as_deref().is_none_or(is_certain)
    }
}
