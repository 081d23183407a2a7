//! Somebody's position in a log; it reads forward.
//!
//! There is no queue per connection: a slow reader is just behind. A cursor takes what the feed's ring still has, and asks
//! for pages of the log where it does not.

use crate::{
    live::{feed::Feed, item::Item},
    model::{
        ids::UserId,
        seq::{Epoch, Seq},
    },
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

    /// What its position counts in.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
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
                weight += item.push.json().len();
                room
            })
            .cloned()
            .collect();
        Step::Deliver(batch)
    }

    /// Entries up to this one were delivered by somebody else, none of which is the reader's removal.
    pub fn has_come_to(&mut self, at: Seq) {
        self.at = self.at.max(at);
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
        if item.seq > self.admitted && item.effects.removed() == Some(&self.user) { Pass::Last } else { Pass::Deliver }
    }

    /// Whether the log still has what comes next, given a page's `floor` (the first seq kept).
    pub fn can_read(&self, epoch: Epoch, floor: Seq) -> bool {
        epoch == self.epoch && floor <= self.at.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{live::item::SharedPush, log::effects::Effects};
    use std::time::Instant;

    const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    /// An entry by which `leaver` leaves.
    fn left(seq: u64, leaver: &str) -> Arc<Item> {
        let push = SharedPush::new(format!("entry {seq}").into(), 0..0);
        Item::new(Seq::new(seq), Effects::default().removes(&user(leaver)), push)
    }

    fn cursor(at: u64, admitted: u64) -> Cursor {
        Cursor::new(user("ana"), EPOCH, Seq::new(at), Seq::new(admitted))
    }

    #[test]
    fn only_the_next_entry_is_delivered() {
        let mut cursor = cursor(4, 4);
        for (seq, pass, at) in
            [(4, Pass::Skip, 4), (6, Pass::Gap, 4), (5, Pass::Deliver, 5), (5, Pass::Skip, 5), (6, Pass::Deliver, 6)]
        {
            assert_eq!((cursor.pass(&left(seq, "ben")), cursor.at().get()), (pass, at), "{seq}");
        }
    }

    #[test]
    fn only_ones_own_removal_after_the_admission_is_the_last() {
        for (seq, leaver, pass) in [(5, "ana", Pass::Deliver), (6, "ana", Pass::Last), (6, "ben", Pass::Deliver)] {
            assert_eq!(cursor(seq - 1, 5).pass(&left(seq, leaver)), pass, "{leaver} at {seq}");
        }
    }

    #[test]
    fn a_cursor_takes_from_the_ring_or_asks_for_a_page_or_waits_or_is_lost() {
        let now = Instant::now();
        let mut feed = Feed::new();
        assert!(matches!(cursor(3, 3).next(&feed, 1), Step::Lost));
        feed.open(EPOCH, Seq::new(3), now);
        for seq in 4..=6 {
            feed.wake(EPOCH, left(seq, "ben"), now);
        }
        assert!(matches!(cursor(2, 3).next(&feed, 1), Step::Read(after) if after == Seq::new(2)));
        assert!(matches!(cursor(6, 6).next(&feed, 1), Step::Wait));
        assert!(matches!(cursor(9, 9).next(&feed, 1), Step::Wait));
        for (bytes, count) in [(0, 1), (1, 1), (usize::MAX, 3)] {
            assert!(matches!(cursor(3, 3).next(&feed, bytes), Step::Deliver(batch) if batch.len() == count), "{bytes}");
        }
        let other = Epoch { generation: 2, ..EPOCH };
        assert!(matches!(Cursor::new(user("ana"), other, Seq::ZERO, Seq::ZERO).next(&feed, 1), Step::Lost));
    }

    #[test]
    fn a_page_serves_if_it_is_of_the_same_epoch_and_nothing_before_it_is_gone() {
        let other = Epoch { generation: 2, ..EPOCH };
        for (epoch, floor, can) in [(EPOCH, 1, true), (EPOCH, 5, true), (EPOCH, 6, false), (other, 1, false)] {
            assert_eq!(cursor(4, 4).can_read(epoch, Seq::new(floor)), can, "{epoch} {floor}");
        }
    }
}
