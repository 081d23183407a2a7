//! Somebody's position in a log; it reads forward.
//!
//! There is no queue per connection: a slow reader is just behind. A cursor takes what the feed's ring still has, and asks
//! for pages of the log where it does not.

use crate::{
    feed::{Feed, Item},
    ids::UserId,
    seq::{Epoch, Seq},
};
use std::sync::Arc;

/// See the module.
#[derive(Debug, Clone)]
pub struct Cursor {
    user: UserId,
    epoch: Epoch,
    at: Seq,
    /// The head at which this user was seen to be admitted: only a later removal counts.
    admitted: Seq,
}

/// What a cursor wants next.
#[derive(Debug)]
pub enum Step {
    /// These entries come next; hand each to [`Cursor::pass`].
    Deliver(Vec<Arc<Item>>),
    /// The feed does not reach back that far: read the log after this seq.
    Read(Seq),
    /// There is nothing yet.
    Wait,
    /// The history this cursor counts in is gone.
    Lost,
}

/// What an entry means to the cursor that meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Deliver it and go on.
    Deliver,
    /// Deliver it; it is this reader's last.
    Last,
    /// It was delivered before.
    Skip,
    /// Entries are missing before it: it must not be delivered.
    Gap,
}

impl Cursor {
    /// A cursor of `user` that has read up to `at`, admitted at the head `admitted`.
    pub const fn new(user: UserId, epoch: Epoch, at: Seq, admitted: Seq) -> Self {
        Self { user, epoch, at, admitted }
    }

    /// The last entry read.
    pub const fn at(&self) -> Seq {
        self.at
    }

    /// What comes next, at most about `bytes` of it (but at least one entry).
    pub fn next(&self, feed: &Feed, bytes: usize) -> Step {
        if feed.epoch() != Some(self.epoch) {
            return Step::Lost;
        }
        if feed.end() <= self.at {
            return Step::Wait;
        }
        let Some(items) = feed.after(self.at) else { return Step::Read(self.at) };
        let mut weight = 0;
        let batch = items
            .take_while(|item| {
                let room = weight == 0 || weight < bytes;
                weight += item.push.len();
                room
            })
            .cloned()
            .collect();
        Step::Deliver(batch)
    }

    /// Meets one entry, from the feed or from a page of the log.
    pub fn pass(&mut self, item: &Item) -> Pass {
        if item.seq <= self.at {
            return Pass::Skip;
        }
        if item.seq != self.at.next() {
            return Pass::Gap;
        }
        self.at = item.seq;
        if item.seq > self.admitted && item.ends.as_ref() == Some(&self.user) { Pass::Last } else { Pass::Deliver }
    }

    /// Whether the log still has what comes next, given a page's `floor` (the first seq kept).
    pub fn can_read(&self, epoch: Epoch, floor: Seq) -> bool {
        epoch == self.epoch && floor <= self.at.next()
    }
}
