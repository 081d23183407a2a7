//! How a stored cursor changes: who reads a room's log by it, and how far that reader has got, is one row of the store.
//!
//! Every change is decided here while the row is locked; a store reads the row, calls one of these, and writes it back. The
//! one exception is [`StoredCursor::mark`]: Postgres does the same in SQL, so that a message costs no second round trip, and
//! a test compares the two for every state of a row.

use super::{
    attempt::{Attempt, keep},
    progress::{Calls, Progress, SentMessage},
};
use crate::model::{seq::Seq, time::Timestamp};
use std::time::Duration;

/// The position of somebody outside in a room's log, with what is to be done about what comes after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredCursor {
    /// The last seq that the reader has, that was not for it, or that was given up on.
    pub position: Seq,
    /// The last seq that is to be looked at. Equal to `position`: nothing waits.
    pub head: Seq,
    /// When something is to be done; while the cursor is leased, when the lease ends; `None`: there is nothing to do.
    pub due_at: Option<Timestamp>,
    /// Somebody has claimed it.
    pub leased: bool,
    /// Raised by each claim. A [`DeliveryStep`] of an earlier claim is refused.
    pub fence: u64,
    /// When what waits longest was taken.
    pub waiting_since: Option<Timestamp>,
    /// Attempts of the entry after `position` that count against it ([`super::retry`]).
    pub counted: u32,
    /// When the entry after `position` was first attempted.
    pub since: Option<Timestamp>,
    /// Its attempts, the newest last, at most [`crate::limits::ATTEMPTS_KEPT`].
    pub attempts: Vec<Attempt>,
    /// It stands still at a dead letter.
    pub blocked: bool,
    /// Dead letters that are to be sent again.
    pub replays: u32,
    /// What is kept of calls.
    pub calls: Calls,
}

/// What of a cursor is shown: how far a reader has got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The last seq that the reader has, that was not for it, or that was given up on.
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
    /// Its attempts, the newest last, at most [`crate::limits::ATTEMPTS_KEPT`]; empty once the reader has taken it.
    pub attempts: Vec<Attempt>,
    /// The cursor stands still at a dead letter, as its reader is configured.
    pub blocked: bool,
    /// The numbers given up on and not delivered since, ascending, at most [`crate::limits::FAILED_SHOWN`].
    pub failed: Vec<Seq>,
    /// What is kept of calls.
    pub calls: Calls,
}

/// What happened to a claimed cursor.
#[derive(Debug, Clone)]
pub enum DeliveryStep {
    /// The reader has everything up to here, or it was not for it. The reader took something now, if `taken`.
    Passed {
        /// The cursor's position.
        position: Seq,
        /// Whether an attempt succeeded, and not only entries were passed over.
        taken: bool,
    },
    /// Of several calls for one entry some were made: this is how far they have come. The next is made only after this.
    Called {
        /// The dead letter that is sent again, by its number; `None`: the entry is the next after the position that was not
        /// passed over.
        letter: Option<u64>,
        /// How far.
        progress: Progress,
    },
    /// An attempt of the entry after the position failed; it is tried again.
    Later {
        /// The attempt.
        attempt: Attempt,
        /// Attempts that count against the entry now.
        counted: u32,
        /// How long until the next. The claim is given up, whatever was asked.
        again_in: Duration,
    },
    /// The entry is given up on: it becomes a dead letter.
    GivenUp {
        /// The entry: the next after the position that was not passed over.
        seq: Seq,
        /// The last attempt.
        attempt: Attempt,
        /// Why, in words.
        why: String,
        /// The cursor stands still before this entry, instead of going on.
        block: bool,
    },
    /// A dead letter was sent again.
    Replayed {
        /// The dead letter's number.
        number: u64,
        /// The attempt; without an error: the reader took it.
        attempt: Attempt,
    },
    /// A dead letter was to be sent again, and its content was blanked meanwhile: nothing is sent, and nobody waits for it.
    Withdrawn {
        /// The dead letter's number.
        number: u64,
        /// What is kept of it: an attempt with an error that says so.
        attempt: Attempt,
    },
    /// Nothing; the claim is given up.
    Released,
}

impl DeliveryStep {
    /// Whether the reader took something.
    pub const fn is_taken(&self) -> bool {
        match self {
            Self::Passed { taken, .. } => *taken,
            Self::Replayed { attempt, .. } => attempt.error.is_none(),
            Self::Called { .. }
            | Self::Later { .. }
            | Self::GivenUp { .. }
            | Self::Withdrawn { .. }
            | Self::Released => false,
        }
    }
}

/// What a step writes beside the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// An entry has become a dead letter.
    Dead {
        /// The entry.
        seq: Seq,
        /// Why, in words.
        why: String,
        /// All its attempts that are kept.
        attempts: Vec<Attempt>,
        /// How far its calls have come: they are not made again when it is sent again.
        progress: Option<Progress>,
    },
    /// Some of the calls of a dead letter were made again.
    Called {
        /// The dead letter's number.
        number: u64,
        /// How far.
        progress: Progress,
    },
    /// A dead letter was sent again: its row is to be written, and then [`StoredCursor::replayed`] is to be called.
    Replayed {
        /// The dead letter's number.
        number: u64,
        /// The attempt.
        attempt: Attempt,
        /// It is not to be sent any more, although nobody took it.
        withdrawn: bool,
    },
}

impl StoredCursor {
    /// The log has grown to `head`, from `first` on. `own`: the reader itself wrote all of that, and a cursor that has nothing
    /// to do moves along. Says whether something became due.
    pub fn mark(&mut self, first: Seq, head: Seq, own: bool, now: Timestamp) -> bool {
        // Whether there was nothing to do is told by `first`, and not by the head that the row knows: an older program that
        // knows no cursors may have written entries in between.
        let is_idle = self.due_at.is_none() && !self.blocked && self.position == before(first);
        self.head = head;
        if own && is_idle {
            self.position = head;
            self.waiting_since = None;
            return false;
        }
        self.waiting_since = self.waiting_since.or(Some(now));
        let becomes_due = !self.blocked && self.due_at.is_none();
        if becomes_due {
            self.due_at = Some(now);
        }
        becomes_due
    }

    /// Makes it due now, if there is anything to do and it is not due already. Says whether it became so.
    pub fn wake(&mut self, now: Timestamp) -> bool {
        let waits = self.replays > 0 || (self.position < self.head && !self.blocked);
        let becomes_due = waits && self.due_at.is_none();
        if becomes_due {
            self.due_at = Some(now);
        }
        becomes_due
    }

    /// Claims it until `lease` from now.
    pub fn claim(&mut self, lease: Duration, now: Timestamp) {
        self.leased = true;
        self.fence += 1;
        self.due_at = Some(after(now, lease));
    }

    /// Whether there are entries to be read: something waits, and the cursor does not stand still.
    pub fn has_entries(&self) -> bool {
        !self.blocked && self.position < self.head
    }

    /// Whether the claim with this fence still stands.
    pub const fn is_held_by(&self, fence: u64) -> bool {
        self.leased && self.fence == fence
    }

    /// Takes in what happened to the claim that stands. What it returns is to be written beside the cursor; then the step is
    /// to be [concluded](Self::conclude).
    pub fn settle(&mut self, step: &DeliveryStep, now: Timestamp) -> Option<Beside> {
        match step {
            DeliveryStep::Passed { position, .. } => self.pass(*position),
            DeliveryStep::Called { letter: Some(number), progress } => {
                return Some(Beside::Called { number: *number, progress: progress.clone() });
            }
            DeliveryStep::Called { letter: None, progress } => self.calls.entry = Some(progress.clone()),
            DeliveryStep::Later { attempt, counted, again_in } => {
                keep(&mut self.attempts, attempt);
                self.counted = *counted;
                self.since = self.since.or(Some(Timestamp(attempt.at)));
                self.leased = false;
                // It may have been stopped meanwhile.
                self.due_at = (!self.blocked).then(|| after(now, *again_in));
            }
            // The same step again, because its first answer was lost: it is done, and the dead letter has all attempts.
            DeliveryStep::GivenUp { seq, .. }
                if *seq <= self.position || (self.blocked && before(*seq) == self.position) => {}
            DeliveryStep::GivenUp { seq, attempt, why, block } => {
                let mut attempts = std::mem::take(&mut self.attempts);
                let progress = self.calls.of(seq.get()).cloned();
                keep(&mut attempts, attempt);
                self.blocked |= *block;
                // Entries that were passed over before this one are behind the cursor, too.
                self.pass(if *block { before(*seq) } else { *seq });
                return Some(Beside::Dead { seq: *seq, why: why.clone(), attempts, progress });
            }
            DeliveryStep::Replayed { number, attempt } => {
                return Some(Beside::Replayed { number: *number, attempt: attempt.clone(), withdrawn: false });
            }
            DeliveryStep::Withdrawn { number, attempt } => {
                return Some(Beside::Replayed { number: *number, attempt: attempt.clone(), withdrawn: true });
            }
            DeliveryStep::Released => {}
        }
        None
    }

    /// These messages are there now, by the portal's own ids.
    pub fn note_sent(&mut self, sent: &[SentMessage]) {
        self.calls.note(sent);
    }

    /// The dead letter of `seq` was sent again, and holds nothing up any more if it was `delivered` or withdrawn. `was_asked`: it was still noted as to be
    /// sent again, so that it counts among [`replays`](Self::replays).
    pub fn replayed(&mut self, seq: Seq, was_asked: bool, delivered: bool, now: Timestamp) {
        self.replays = self.replays.saturating_sub(u32::from(was_asked));
        if delivered {
            self.go_on_after(seq, now);
        }
    }

    /// The dead letter of `seq` was thrown away. `was_asked` is as in [`replayed`](Self::replayed).
    pub fn discarded(&mut self, seq: Seq, was_asked: bool, now: Timestamp) {
        self.replays = self.replays.saturating_sub(u32::from(was_asked));
        self.go_on_after(seq, now);
    }

    /// So many more dead letters are to be sent again.
    pub fn ask_again(&mut self, letters: u32, now: Timestamp) {
        self.replays = self.replays.saturating_add(letters);
        self.wake(now);
    }

    /// Has what waits tried at once, as if for the first time. Not while an attempt is under way.
    pub fn retry(&mut self, now: Timestamp) {
        if !self.leased && self.has_entries() {
            (self.counted, self.since) = (0, None);
            self.due_at = Some(now);
        }
    }

    /// Nothing more is sent until [`go_on`](Self::go_on); an attempt that is under way is the last.
    pub fn stop(&mut self, now: Timestamp) {
        self.blocked = true;
        if !self.leased {
            self.due_at = None;
            self.wake(now);
        }
    }

    /// Goes on after [`stop`](Self::stop), unless the next entry is a dead letter at which it stands still.
    pub fn go_on(&mut self, at_dead_letter: bool, now: Timestamp) {
        self.blocked = at_dead_letter;
        (self.counted, self.since) = (0, None);
        if !self.leased {
            self.wake(now);
        }
    }

    /// Passes over `seq`, the next entry that the reader was to have, whoever has claimed it. What it returns is to be written
    /// beside the cursor; nothing where it is a dead letter already.
    pub fn skip(&mut self, seq: Seq, at_dead_letter: bool, why: String, now: Timestamp) -> Option<Beside> {
        let attempts = std::mem::take(&mut self.attempts);
        let progress = self.calls.of(seq.get()).cloned();
        if at_dead_letter {
            self.blocked = false;
        }
        self.pass(seq);
        (self.leased, self.due_at) = (false, None);
        self.wake(now);
        (!at_dead_letter).then_some(Beside::Dead { seq, why, attempts, progress })
    }

    /// The end of a step: the claim is kept for `keep` from now, or given up. One that was stopped is given up.
    pub fn conclude(&mut self, step: &DeliveryStep, keep: Option<Duration>, now: Timestamp) {
        match (step, keep.filter(|_| !(self.blocked && step.is_taken()))) {
            (DeliveryStep::Later { .. }, _) => {}
            (DeliveryStep::Released, _) | (_, None) => {
                (self.leased, self.due_at) = (false, None);
                self.wake(now);
            }
            (_, Some(lease)) => self.due_at = Some(after(now, lease)),
        }
    }

    /// What of it is shown, with the numbers that were given up on.
    pub fn delivery(&self, failed: Vec<Seq>) -> Delivery {
        Delivery {
            position: self.position,
            head: self.head,
            waiting_since: self.waiting_since,
            due_at: self.due_at,
            counted: self.counted,
            since: self.since,
            attempts: self.attempts.clone(),
            blocked: self.blocked,
            failed,
            calls: self.calls.clone(),
        }
    }

    /// Moves to `position`; what was tried before it is forgotten.
    fn pass(&mut self, position: Seq) {
        self.position = self.position.max(position);
        (self.counted, self.since) = (0, None);
        self.attempts.clear();
        if self.calls.entry.as_ref().is_some_and(|progress| progress.seq <= self.position.get()) {
            self.calls.entry = None;
        }
        if self.position >= self.head {
            self.waiting_since = None;
        }
    }

    /// The dead letter of `seq` is no more. A cursor that stands still at it goes on.
    fn go_on_after(&mut self, seq: Seq, now: Timestamp) {
        if self.blocked && before(seq) == self.position {
            self.blocked = false;
            self.pass(seq);
        }
        if !self.leased {
            self.wake(now);
        }
    }
}

const fn before(seq: Seq) -> Seq {
    Seq::new(seq.get().saturating_sub(1))
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2)))
}

#[cfg(test)]
mod tests;
