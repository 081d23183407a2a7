//! Read marks on their way to the store: of each person and room the furthest, and each room at most every [`MARKS_EVERY`].
//!
//! A mark is acknowledged once it is written; what waits here is nobody's yet. Nothing here waits by itself: `now` is an argument.

use crate::{
    limits::{MARKS_EVERY, MARKS_WAITING},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

/// Somebody has read a room up to here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Up to where.
    pub seq: Seq,
}

/// What a store has of a mark that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// Where the mark was before; 0 where there was none.
    pub before: Seq,
    /// Whether it moved, and by this.
    pub moved: bool,
    /// Whether the room has so few members that they are shown who has read what.
    pub is_shown: bool,
}

/// Why a mark does not move: it is further already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("seq: {asked}; the mark is at {mark}")]
pub struct Backwards {
    /// What was asked for.
    pub asked: Seq,
    /// Where the mark is.
    pub mark: Seq,
}

impl Marked {
    /// What somebody is told who asked for `asked`, where `written` was the furthest that was asked for along with it.
    ///
    /// # Errors
    /// Where the mark was further before.
    pub fn answer(self, asked: Seq, written: Seq) -> Result<Seq, Backwards> {
        if self.before > asked { Err(Backwards { asked, mark: self.before.max(written) }) } else { Ok(asked) }
    }
}

/// A mark that is due to be written, with those who wait for it and what each of them asked for.
#[derive(Debug)]
pub struct Due<W> {
    /// The furthest.
    pub mark: Mark,
    /// Who waits.
    pub waiting: Vec<(Seq, W)>,
}

/// What waits of one room.
#[derive(Debug)]
struct Waiting<W> {
    /// By person, so that rows are written in this order by all.
    marks: BTreeMap<UserId, (Seq, Vec<(Seq, W)>)>,
    /// When it is to be written.
    due: Instant,
}

/// What was written of one room lately.
#[derive(Debug)]
struct Written {
    /// When it may be again.
    until: Instant,
    /// Marks that are there, or further by now.
    marks: HashMap<UserId, Seq>,
}

/// What becomes of a mark that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<W> {
    /// It waits to be written.
    Waits,
    /// The mark is known to be further: nothing is to be written. One that is known to be here may have moved on by another instance.
    Known(W, Seq),
    /// Too many wait.
    Full(W),
}

/// See the module. `W` is whoever waits for a mark.
#[derive(Debug)]
pub struct Marks<W> {
    rooms: HashMap<RoomId, Waiting<W>>,
    /// The rooms by when they are due.
    order: BTreeSet<(Instant, RoomId)>,
    /// Rooms that were written lately.
    written: HashMap<RoomId, Written>,
    /// When those are forgotten.
    forget: BTreeSet<(Instant, RoomId)>,
    /// How many wait.
    many: usize,
}

impl<W> Default for Marks<W> {
    fn default() -> Self {
        Self {
            rooms: HashMap::new(),
            order: BTreeSet::new(),
            written: HashMap::new(),
            forget: BTreeSet::new(),
            many: 0,
        }
    }
}

impl<W> Marks<W> {
    /// Takes a mark, and gives whoever asks for it back where they are not to wait.
    pub fn take(&mut self, mark: Mark, who: W, now: Instant) -> Taken<W> {
        let Mark { room, user, seq } = mark;
        let written = self.written.get(&room);
        if let Some(known) = written.and_then(|written| written.marks.get(&user)).filter(|known| **known > seq) {
            return Taken::Known(who, *known);
        }
        if self.many >= MARKS_WAITING {
            return Taken::Full(who);
        }
        self.many += 1;
        let due = written.map_or(now, |written| written.until.max(now));
        let waiting = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.order.insert((due, room));
            Waiting { marks: BTreeMap::new(), due }
        });
        let (furthest, those) = waiting.marks.entry(user).or_insert_with(|| (seq, Vec::new()));
        *furthest = seq.max(*furthest);
        those.push((seq, who));
        Taken::Waits
    }

    /// Somebody's mark is there, or further.
    pub fn wrote(&mut self, mark: Mark) {
        if let Some(written) = self.written.get_mut(&mark.room) {
            let known = written.marks.entry(mark.user).or_default();
            *known = mark.seq.max(*known);
        }
    }

    /// When something is to be written next.
    pub fn next_due(&self) -> Option<Instant> {
        self.order.first().map(|(due, _)| *due)
    }

    /// What is to be written now, in the order of rooms and people. None of these rooms is due again for a while.
    pub fn due(&mut self, now: Instant) -> Vec<Due<W>> {
        while let Some((until, room)) = self.forget.first().filter(|(until, _)| *until <= now).cloned() {
            self.written.remove(&room);
            self.forget.remove(&(until, room));
        }
        let mut all = Vec::new();
        while let Some((due, room)) = self.order.first().filter(|(due, _)| *due <= now).cloned() {
            self.order.remove(&(due, room.clone()));
            let Some(waiting) = self.rooms.remove(&room) else { continue };
            debug_assert_eq!(waiting.due, due);
            let until = now + MARKS_EVERY;
            if let Some(before) = self.written.insert(room.clone(), Written { until, marks: HashMap::new() }) {
                self.forget.remove(&(before.until, room.clone()));
            }
            self.forget.insert((until, room.clone()));
            for (user, (seq, waiting)) in waiting.marks {
                self.many -= waiting.len();
                all.push(Due { mark: Mark { room: room.clone(), user, seq }, waiting });
            }
        }
        all.sort_by(|a, b| a.mark.cmp(&b.mark));
        all
    }
}

#[cfg(test)]
mod tests;
