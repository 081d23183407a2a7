//! The live end of one room on one instance.
//!
//! A feed hears wakes, which may be lost, doubled, late or inverted, and heads, which a sweep reads from the store. From
//! them it keeps one dense run of entries that ends at `end`, and says when the log must be read to go on. It knows no
//! store, no bus and no readers.

use super::item::Item;
use crate::{
    limits::{AHEAD, REORDER, RING, RING_BYTES, SWEEP_PATIENCE},
    model::{
        ids::UserId,
        seq::{Epoch, Seq},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a feed did with something it heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The run of entries grew: readers are to be woken.
    Grew,
    /// Nothing new.
    Nothing,
    /// Something is missing before it; `due` says when the log is to be read.
    Missing,
    /// It speaks of another epoch than this feed: the store is to be asked which one holds.
    OtherEpoch,
    /// The log is shorter than this feed: the database has gone back.
    WentBack,
}

/// See the module.
#[derive(Debug)]
pub struct Feed {
    epoch: Option<Epoch>,
    end: Seq,
    ring: VecDeque<Arc<Item>>,
    ring_bytes: usize,
    ahead: BTreeMap<Seq, Arc<Item>>,
    /// What was heard before it was opened.
    early: VecDeque<(Epoch, Arc<Item>)>,
    /// The furthest seq known to exist.
    known: Seq,
    /// When the log is to be read, while `known` is beyond `end`.
    due: Option<Instant>,
    /// While the log is being read: what was known to exist when the read began.
    reading: Option<Seq>,
    /// Heard of, and not taken in yet, because something before it is missing.
    blanking: Blanking,
}

/// Entries of which the content was blanked.
#[derive(Debug, Clone, Copy, Default)]
struct Blanking {
    /// The last of them.
    last: Seq,
    /// The furthest entry that says so: once the run has come there, the ring has blanked all of them.
    by: Seq,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// A feed that has not been told yet where the log ends; it keeps what it hears until [`Feed::open`].
    pub const fn new() -> Self {
        Self {
            epoch: None,
            end: Seq::ZERO,
            ring: VecDeque::new(),
            ring_bytes: 0,
            ahead: BTreeMap::new(),
            early: VecDeque::new(),
            known: Seq::ZERO,
            due: None,
            reading: None,
            blanking: Blanking { last: Seq::ZERO, by: Seq::ZERO },
        }
    }

    /// The last entry of the run. Cursors up to here need nothing; later ones wait.
    pub const fn end(&self) -> Seq {
        self.end
    }

    /// The epoch, once opened.
    pub const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The furthest entry known to exist: a later answer of the store that ends before it shows that the log has gone back.
    pub fn known(&self) -> Seq {
        self.known.max(self.end)
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        self.ring_bytes
    }

    /// Whether the ring reaches back to what follows `seq`.
    pub fn reaches(&self, seq: Seq) -> bool {
        usize::try_from(self.end.since(seq)).is_ok_and(|behind| behind <= self.ring.len())
    }

    /// The items after `seq`, if the ring reaches back that far, and no content among them is known to have been blanked since:
    /// else the log says what they are now.
    pub fn after(&self, seq: Seq) -> Option<impl Iterator<Item = &Arc<Item>>> {
        let is_blanked = self.blanking.by > self.end && self.blanking.last > seq;
        let behind = usize::try_from(self.end.since(seq)).ok()?;
        (!is_blanked && behind <= self.ring.len()).then(|| self.ring.range(self.ring.len() - behind..))
    }

    /// Whether this user has written a message after `at`, as far as can be told: what is not in the ring may be one.
    pub fn has_heard_from(&self, user: &UserId, at: Seq) -> bool {
        self.after(at).is_none_or(|mut items| items.any(|item| item.is_message_of(user)))
    }

    /// Tells the feed a head that was read from the store after the feed began to listen.
    pub fn open(&mut self, epoch: Epoch, head: Seq, now: Instant) -> Heard {
        if self.epoch.is_some() {
            return self.head(epoch, head, Seq::ZERO, SWEEP_PATIENCE, now);
        }
        self.epoch = Some(epoch);
        self.end = head;
        for (of, item) in mem::take(&mut self.early) {
            // A late wake of an epoch that has ended counts in another history.
            if of == epoch && item.seq > head {
                self.hold(item);
            }
        }
        self.settle(now)
    }

    /// Takes a wake that carries its entry.
    pub fn wake(&mut self, epoch: Epoch, item: Arc<Item>, now: Instant) -> Heard {
        let Some(own) = self.epoch else {
            // Only the newest are worth keeping; the rest is in the log.
            if self.early.len() == AHEAD {
                self.early.pop_front();
            }
            self.early.push_back((epoch, item));
            return Heard::Nothing;
        };
        if own != epoch {
            if !item.effects.blanked().is_empty() {
                // Until the store has said which epoch holds, the log says what is left of what the ring has.
                self.trim(0);
            }
            return Heard::OtherEpoch;
        }
        if item.seq <= self.end {
            return Heard::Nothing;
        }
        self.hold(item);
        self.settle(now)
    }

    /// Takes a head: from the sweep, or from a wake without its entry. `asked` is what this feed knew ([`Feed::known`]) when
    /// the store was asked (0 for a wake): only a head below that shows that the log has gone back. `patience` is how long the wakes of what
    /// is missing may still be on their way.
    pub fn head(&mut self, epoch: Epoch, head: Seq, asked: Seq, patience: Duration, now: Instant) -> Heard {
        let Some(own) = self.epoch else { return Heard::Nothing };
        if own != epoch {
            return Heard::OtherEpoch;
        }
        if head < asked {
            return Heard::WentBack;
        }
        if head <= self.end {
            return Heard::Nothing;
        }
        self.known = self.known.max(head);
        let due = now + patience;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        Heard::Missing
    }

    /// When the log is to be read, if it is.
    pub fn due(&self) -> Option<Instant> {
        if self.reading.is_some() { None } else { self.due }
    }

    /// Begins the one read that closes the gap: the caller reads the log after the returned seq and calls [`Feed::filled`].
    pub fn begin_read(&mut self, now: Instant) -> Option<Seq> {
        if self.reading.is_some() || self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.reading = Some(self.known);
        Some(self.end)
    }

    /// The read failed; it is due again at `again`.
    pub fn read_failed(&mut self, again: Instant) {
        self.reading = None;
        if self.known > self.end {
            self.due = Some(again);
        }
    }

    /// What the read brought: entries in order, and the head at its snapshot.
    pub fn filled(&mut self, epoch: Epoch, items: Vec<Arc<Item>>, head: Seq, now: Instant) -> Heard {
        let known_then = self.reading.take().unwrap_or_default();
        if self.epoch != Some(epoch) {
            self.due = None;
            return Heard::OtherEpoch;
        }
        if head < known_then {
            // What was heard of had been committed before the read began.
            self.due = None;
            return Heard::WentBack;
        }
        let before = self.end;
        self.known = self.known.max(head);
        // The page begins later than asked: retention has removed the entries in between.
        let hole = items.first().map_or(head, |first| first.seq.before()) > self.end;
        for item in items {
            if item.seq == self.end.next() {
                self.append(item);
            }
        }
        if hole || head.since(self.end) > RING as u64 {
            // Far behind: the live end moves to the head, and readers page through the log by themselves.
            self.ring.clear();
            self.ring_bytes = 0;
            self.end = head;
        }
        self.ahead = self.ahead.split_off(&self.end.next());
        let heard = self.settle(now);
        if self.known > self.end {
            self.due = Some(now);
        }
        if self.end > before { Heard::Grew } else { heard }
    }

    /// Gives ring memory back, oldest first, down to `bytes`.
    pub fn trim(&mut self, bytes: usize) {
        while self.ring_bytes > bytes {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.weight();
        }
    }

    /// Moves what is contiguous into the ring.
    fn settle(&mut self, now: Instant) -> Heard {
        let before = self.end;
        while let Some(item) = self.ahead.remove(&self.end.next()) {
            self.append(item);
        }
        if self.known <= self.end {
            self.due = None;
        } else {
            if self.end > before || self.due.is_none() {
                // The gap is a new one. With nothing held, only a head told of it: the wakes may all be on their way.
                self.due = Some(now + if self.ahead.is_empty() { SWEEP_PATIENCE } else { REORDER });
            }
            if self.ahead.len() > AHEAD {
                // Too much is held: read now, and let the log bring it.
                self.due = Some(now);
                while self.ahead.len() > AHEAD {
                    self.ahead.pop_last();
                }
            }
        }
        match (self.end > before, self.known > self.end) {
            (true, _) => Heard::Grew,
            (false, true) => Heard::Missing,
            (false, false) => Heard::Nothing,
        }
    }

    fn hold(&mut self, item: Arc<Item>) {
        self.known = self.known.max(item.seq);
        if let Some(last) = item.effects.blanked().iter().max() {
            self.expect_blanking(*last, item.seq);
        }
        self.ahead.insert(item.seq, item);
    }

    /// Entries up to `last` were blanked, `by` says which. Until the run has come there, the ring gives none of them to anybody.
    pub fn expect_blanking(&mut self, last: Seq, by: Seq) {
        if by > self.end {
            // What was said of others before is done with once the run has passed it.
            let others = if self.blanking.by > self.end { self.blanking } else { Blanking::default() };
            self.blanking = Blanking { last: others.last.max(last), by: others.by.max(by) };
        }
    }

    /// Blanks what the ring holds of these entries: readers who are behind are not given their content any more.
    fn blank(&mut self, seqs: &[Seq]) {
        let Some(first) = self.ring.front().map(|item| item.seq) else { return };
        for seq in seqs.iter().filter(|seq| **seq >= first) {
            let held = usize::try_from(seq.since(first)).ok().and_then(|at| self.ring.get_mut(at));
            if let Some(item) = held {
                self.ring_bytes -= item.weight();
                *item = item.blanked();
                self.ring_bytes += item.weight();
            }
        }
    }

    fn append(&mut self, item: Arc<Item>) {
        self.blank(item.effects.blanked());
        self.end = item.seq;
        self.ring_bytes += item.weight();
        self.ring.push_back(item);
        while self.ring.len() > RING || (self.ring_bytes > RING_BYTES && self.ring.len() > 1) {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.weight();
        }
    }
}

#[cfg(test)]
mod tests;
