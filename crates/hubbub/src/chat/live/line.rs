//! A connection's line: the socket it writes to, and where its subscriptions are while all of them have had everything.
//!
//! One of two has the line at a time. The client's task has it while there is anything to be done in an order: answers to be
//! written, pages to be read, a socket that takes nothing. Otherwise its shard has it, which writes what is new straight to the
//! socket, from one connection to the next (see [`super::shards`]). Whoever has the line moves its cursors; nobody else does.

use super::room::Live;
use bytes::Bytes;
use hubbub_core::{
    model::seq::{Epoch, Seq},
    wire::Format,
};
use std::{fmt, io, mem, sync::Arc};

/// A socket that is written to without waiting.
pub trait Outlet: Send + Sync + fmt::Debug {
    /// Writes as much as goes in at once.
    ///
    /// # Errors
    /// `WouldBlock` where nothing goes in now.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Line {
    way: Option<Way>,
    /// The shard has it.
    given: bool,
    /// It is in the shard's queue.
    pub(super) queued: bool,
    /// Subscriptions with something new that the shard has not looked at.
    pub(super) ready: Vec<u32>,
    /// In the order of their numbers.
    pub(super) follows: Vec<Follow>,
    /// The rest of a frame that did not go out in one piece.
    pub(super) rest: Bytes,
}

/// How the shard writes.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) outlet: Arc<dyn Outlet>,
    pub(super) format: Format,
    pub(super) shard: usize,
}

/// Where a subscription is that has had everything.
#[derive(Debug)]
pub struct Follow {
    /// The connection's number of the subscription.
    pub slot: u32,
    /// The shard has moved it.
    pub moved: bool,
    /// What its positions count in.
    pub epoch: Epoch,
    /// The last entry that was written.
    pub at: Seq,
    /// The room.
    pub live: Arc<Live>,
}

/// What whoever takes the line back has to go on with.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// Subscriptions with something new.
    pub ready: Vec<u32>,
    /// How far the shard has moved others.
    pub moved: Vec<(u32, Seq)>,
    /// What is to be written before anything else: the rest of a frame.
    pub rest: Option<Bytes>,
}

impl Line {
    pub(super) fn opens(&mut self, way: Way) {
        self.way = Some(way);
    }

    /// Nothing is written any more.
    pub(super) fn closes(&mut self) {
        *self = Self { queued: self.queued, ..Self::default() };
    }

    /// Where the shard writes, while it has the line.
    pub(super) fn of_shard(&self) -> Option<&Way> {
        self.way.as_ref().filter(|_| self.given)
    }

    /// Something is new for a subscription, which the shard will look at. Returns its number where it has to be told.
    pub(super) fn is_news_for_shard(&mut self, slot: u32) -> Option<Option<usize>> {
        let shard = self.of_shard()?.shard;
        if !self.ready.contains(&slot) {
            self.ready.push(slot);
        }
        Some((!mem::replace(&mut self.queued, true)).then_some(shard))
    }

    /// Gives the line to the shard, with what has changed of its subscriptions.
    pub(super) fn give(&mut self, follows: impl Iterator<Item = Follow>) -> bool {
        if self.way.is_none() {
            return false;
        }
        for follow in follows {
            match self.find(follow.slot) {
                Ok(known) => self.follows[known] = follow,
                Err(place) => self.follows.insert(place, follow),
            }
        }
        self.given = true;
        true
    }

    /// The shard cannot go on: the client's task is to take the line, with what is ready.
    pub(super) const fn returns(&mut self) {
        self.given = false;
    }

    /// The client's task has the line from now on.
    pub(super) fn take_back(&mut self) -> TakenBack {
        self.given = false;
        let moved = self.follows.iter_mut().filter_map(|follow| {
            let moved = mem::take(&mut follow.moved);
            moved.then_some((follow.slot, follow.at))
        });
        let moved = moved.collect();
        let rest = mem::take(&mut self.rest);
        TakenBack { ready: mem::take(&mut self.ready), moved, rest: (!rest.is_empty()).then_some(rest) }
    }

    pub(super) fn find(&self, slot: u32) -> Result<usize, usize> {
        self.follows.binary_search_by_key(&slot, |follow| follow.slot)
    }

    /// A subscription has ended.
    pub(super) fn forgets(&mut self, slot: u32) {
        if let Ok(known) = self.find(slot) {
            self.follows.remove(known);
        }
        self.ready.retain(|ready| *ready != slot);
    }
}
