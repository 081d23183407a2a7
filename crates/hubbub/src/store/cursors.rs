//! How the row of a portal's cursor changes, whatever the database: decided here, under the row's lock.

use super::{StoreError, columns::number};
use crate::features::portals::store::{Attempt, Settlement, Step, Which};
use hubbub_core::{
    limits::ATTEMPTS_KEPT,
    model::{seq::Seq, time::Timestamp},
    portal::session::Delivery,
};

/// The row of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub room: i64,
    pub portal: i64,
    pub position: Seq,
    pub head: Seq,
    pub due_at: Option<i64>,
    pub leased: bool,
    pub fence: i64,
    pub waiting_since: Option<i64>,
    pub counted: u32,
    pub since: Option<i64>,
    pub attempts: Vec<Attempt>,
    pub blocked: bool,
    pub replays: u32,
}

/// The columns of [`Cursor`], in the order of its fields, of a table or an alias `c`.
pub(crate) const COLUMNS: &str = "c.room, c.portal, c.position, c.head, c.due_at, c.leased, c.fence, c.waiting_since, \
    c.counted, c.since, c.attempts, c.blocked, c.replays";

/// What a settlement writes beside the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beside {
    /// A dead letter is born.
    Dead { seq: Seq, why: String, attempts: Vec<Attempt> },
    /// A dead letter was tried.
    Replayed { number: i64, attempt: Attempt },
}

impl Cursor {
    /// The log has grown to `head`, from `first` on. `own`: all of it was written by the portal itself, and a cursor that has
    /// nothing to do moves along. Says whether something became due.
    pub fn mark(&mut self, first: Seq, head: Seq, own: bool, now: Timestamp) -> bool {
        // Not by the head it knows: a program that knows no cursors may have written before.
        let idle = self.due_at.is_none() && !self.blocked && self.position == before(first);
        self.head = head;
        if own && idle {
            self.position = head;
            return false;
        }
        self.waiting_since = self.waiting_since.or(Some(now.0));
        self.wake(now)
    }

    /// Due now, if there is anything to do and it is not due already. Says whether it became so.
    pub fn wake(&mut self, now: Timestamp) -> bool {
        let waits = self.replays > 0 || (self.position < self.head && !self.blocked);
        let becomes = waits && self.due_at.is_none();
        if becomes {
            self.due_at = Some(now.0);
        }
        becomes
    }

    /// Moves to `position`; what was tried before it is forgotten.
    fn pass(&mut self, position: Seq) {
        self.position = self.position.max(position);
        (self.counted, self.since) = (0, None);
        self.attempts.clear();
        if self.position >= self.head {
            self.waiting_since = None;
        }
    }

    /// The claim is given up; due again at once if there is anything to do.
    fn release(&mut self, now: Timestamp) {
        (self.leased, self.due_at) = (false, None);
        self.wake(now);
    }

    /// Whether this settlement is of the claim that stands.
    pub fn holds(&self, settlement: &Settlement) -> bool {
        self.leased && self.fence.cast_unsigned() == settlement.fence
    }

    /// Takes in what happened to the claim that stands, and says what is to be written beside; then it is to be
    /// [concluded](Self::conclude).
    pub fn settle(&mut self, settlement: &Settlement, now: Timestamp) -> Option<Beside> {
        match &settlement.step {
            Step::Passed { position, .. } => self.pass(*position),
            Step::Later { attempt, counted, again_in } => {
                keep(&mut self.attempts, attempt);
                self.counted = *counted;
                self.since = self.since.or(Some(attempt.at));
                self.leased = false;
                self.due_at = Some(now.0.saturating_add(i64::try_from(again_in.as_millis()).unwrap_or(i64::MAX)));
            }
            // Asked for again, as its answer was lost: it is done, and its dead letter has all attempts.
            Step::GivenUp { seq, .. } if *seq <= self.position || (self.blocked && before(*seq) == self.position) => {}
            Step::GivenUp { seq, attempt, why, block } => {
                let mut attempts = std::mem::take(&mut self.attempts);
                keep(&mut attempts, attempt);
                self.blocked = *block;
                // What was passed over before it is behind it, too; blocked, the cursor stands right before it.
                self.pass(if *block { before(*seq) } else { *seq });
                return Some(Beside::Dead { seq: *seq, why: why.clone(), attempts });
            }
            Step::Replayed { number, attempt } => {
                return Some(Beside::Replayed { number: number.cast_signed(), attempt: attempt.clone() });
            }
            Step::Released => {}
        }
        None
    }

    /// A dead letter was tried. It was to be, if `replaying`: nobody has counted it as done yet.
    pub fn tried(&mut self, seq: Seq, replaying: bool, delivered: bool, now: Timestamp) {
        self.replays = self.replays.saturating_sub(u32::from(replaying));
        if delivered {
            self.buried(seq, now);
        }
    }

    /// The end of a settlement: the claim is kept or given up.
    pub fn conclude(&mut self, settlement: &Settlement, now: Timestamp) {
        match (&settlement.step, settlement.keep) {
            (Step::Later { .. }, _) => {}
            (Step::Released, _) | (_, None) => self.release(now),
            (_, Some(lease)) => {
                let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2);
                self.due_at = Some(now.0.saturating_add(lease));
            }
        }
    }

    /// The dead letter of `seq` is no more: delivered or discarded. A cursor that stands still at it goes on.
    pub fn buried(&mut self, seq: Seq, now: Timestamp) -> bool {
        if self.blocked && before(seq) == self.position {
            self.blocked = false;
            self.pass(seq);
        }
        if self.leased { false } else { self.wake(now) }
    }

    /// What of it is shown.
    pub fn delivery(&self, failed: Vec<Seq>) -> Delivery {
        Delivery {
            position: self.position,
            head: self.head,
            waiting_since: self.waiting_since.map(Timestamp),
            due_at: self.due_at.map(Timestamp),
            counted: self.counted,
            since: self.since.map(Timestamp),
            attempts: self.attempts.clone(),
            blocked: self.blocked,
            failed,
        }
    }
}

impl Step {
    /// Whether the portal took something.
    pub(crate) const fn is_taken(&self) -> bool {
        match self {
            Self::Passed { taken, .. } => *taken,
            Self::Replayed { attempt, .. } => attempt.error.is_none(),
            Self::Later { .. } | Self::GivenUp { .. } | Self::Released => false,
        }
    }
}

impl Which {
    /// The numbers, both included, as databases count; beyond what they count there are none.
    pub(crate) fn numbers(self) -> (i64, i64) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::One(one) => (number(one), number(one)),
            Self::Range(first, last) => (number(first), number(last)),
            Self::All => (0, i64::MAX),
        }
    }
}

const fn before(seq: Seq) -> Seq {
    Seq::new(seq.get().saturating_sub(1))
}

/// Adds an attempt, and forgets the oldest beyond [`ATTEMPTS_KEPT`].
pub(crate) fn keep(attempts: &mut Vec<Attempt>, attempt: &Attempt) {
    attempts.push(attempt.clone());
    let beyond = attempts.len().saturating_sub(ATTEMPTS_KEPT);
    attempts.drain(..beyond);
}

/// Attempts as they lie in a column.
pub(crate) fn attempts_json(attempts: &[Attempt]) -> String {
    serde_json::to_string(attempts).unwrap_or_else(|_| "[]".into())
}

/// Reads them.
pub(crate) fn attempts_of(json: &str) -> Result<Vec<Attempt>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Broken(format!("attempts: {error}")))
}

/// The columns of a cursor as they lie in a row.
pub(crate) struct Row {
    pub position: i64,
    pub head: i64,
    pub counted: i32,
    pub attempts: String,
    pub replays: i32,
}

impl Cursor {
    /// The numbers as databases count them.
    pub fn row(&self) -> Row {
        Row {
            position: number(self.position),
            head: number(self.head),
            counted: i32::try_from(self.counted).unwrap_or(i32::MAX),
            attempts: attempts_json(&self.attempts),
            replays: i32::try_from(self.replays).unwrap_or(i32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::model::ids::RoomId;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn cursor() -> Cursor {
        let at = Seq::new(2);
        Cursor {
            room: 1,
            portal: 1,
            position: at,
            head: at,
            due_at: None,
            leased: false,
            fence: 7,
            waiting_since: None,
            counted: 0,
            since: None,
            attempts: vec![],
            blocked: false,
            replays: 0,
        }
    }

    fn claimed(head: u64) -> Cursor {
        let mut cursor = cursor();
        assert!(cursor.mark(Seq::new(3), Seq::new(head), false, NOW));
        (cursor.leased, cursor.due_at) = (true, Some(NOW.0 + 30_000));
        cursor
    }

    fn attempt() -> Attempt {
        Attempt { at: NOW.0, took: 5, status: Some(500), error: Some("500".into()), instance: "a".into() }
    }

    fn settlement(step: Step) -> Settlement {
        Settlement { session: RoomId::parse("s").unwrap(), fence: 7, step, external: None, keep: None }
    }

    fn settled(cursor: &mut Cursor, settlement: &Settlement) -> Option<Beside> {
        let beside = cursor.settle(settlement, NOW);
        cursor.conclude(settlement, NOW);
        beside
    }

    #[test]
    fn an_agents_answer_makes_nothing_due_and_overtakes_nothing() {
        let mut idle = cursor();
        assert!(!idle.mark(Seq::new(3), Seq::new(4), true, NOW));
        assert_eq!((idle.position, idle.due_at), (Seq::new(4), None));
        let mut busy = cursor();
        assert!(busy.mark(Seq::new(3), Seq::new(3), false, NOW));
        assert!(!busy.mark(Seq::new(4), Seq::new(4), true, NOW), "it is due already");
        assert_eq!((busy.position, busy.head), (Seq::new(2), Seq::new(4)));
        let mut unaware = cursor();
        assert!(unaware.mark(Seq::new(5), Seq::new(5), true, NOW), "3 and 4 are somebody else's, who did not say so");
        assert_eq!(unaware.position, Seq::new(2));
    }

    #[test]
    fn what_came_while_a_post_was_under_way_is_due_when_it_is_settled() {
        let mut cursor = claimed(3);
        assert!(!cursor.mark(Seq::new(4), Seq::new(4), false, NOW), "the lease stands");
        settled(&mut cursor, &settlement(Step::Passed { position: Seq::new(3), taken: true }));
        assert_eq!((cursor.leased, cursor.due_at), (false, Some(NOW.0)));
        let mut alone = claimed(3);
        settled(&mut alone, &settlement(Step::Passed { position: Seq::new(3), taken: true }));
        assert_eq!((alone.due_at, alone.waiting_since), (None, None));
    }

    #[test]
    fn a_claim_holds_until_another_is_made_or_it_is_given_up() {
        let mut cursor = claimed(3);
        let step = || settlement(Step::Released);
        assert!(cursor.holds(&step()));
        settled(&mut cursor, &step());
        assert!(!cursor.holds(&step()));
        (cursor.leased, cursor.fence) = (true, 8);
        assert!(!cursor.holds(&step()));
    }

    #[test]
    fn a_session_goes_on_behind_a_dead_letter_or_waits_for_it() {
        let given_up =
            |block| settlement(Step::GivenUp { seq: Seq::new(3), attempt: attempt(), why: "poison".into(), block });
        let mut goes_on = claimed(5);
        assert!(
            matches!(settled(&mut goes_on, &given_up(false)), Some(Beside::Dead { seq, .. }) if seq == Seq::new(3))
        );
        assert_eq!((goes_on.position, goes_on.due_at), (Seq::new(3), Some(NOW.0)));
        let mut waits = claimed(5);
        settled(&mut waits, &given_up(true));
        assert_eq!((waits.position, waits.due_at, waits.blocked), (Seq::new(2), None, true));
        assert!(!waits.mark(Seq::new(6), Seq::new(6), false, NOW), "still blocked");
        waits.replays = 1;
        assert!(waits.wake(NOW), "a replay is something to do");
        waits.replays = 0;
        waits.due_at = None;
        assert!(waits.buried(Seq::new(3), NOW));
        assert_eq!((waits.position, waits.blocked, waits.due_at), (Seq::new(3), false, Some(NOW.0)));
    }

    #[test]
    fn a_failure_is_kept_and_due_later() {
        let mut cursor = claimed(3);
        for n in 1..40 {
            cursor.leased = true;
            let step = Step::Later { attempt: attempt(), counted: n, again_in: Duration::from_secs(5) };
            settled(&mut cursor, &settlement(step));
            assert_eq!((cursor.due_at, cursor.leased), (Some(NOW.0 + 5_000), false));
        }
        assert_eq!((cursor.attempts.len(), cursor.since), (ATTEMPTS_KEPT, Some(NOW.0)));
    }
}
