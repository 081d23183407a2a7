//! Read marks on their way to the store: of each person and room the furthest, each room at most every [`MARKS_EVERY`], and all of them
//! with a rest after each [`MARKS`].
//!
//! A mark is acknowledged once it is written; what waits here is nobody's yet. Nothing here waits by itself: `now` is an argument.

use crate::{
    limits::{MARKS, MARKS_EVERY, MARKS_OF_ONE, MARKS_REST, MARKS_WAITING},
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
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
    /// Whether it moved, and by this. One beyond the room's head does not.
    pub moved: bool,
    /// How far the room reached, as it was seen that its reader is a member.
    pub head: (Epoch, Seq),
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
    /// Since when.
    pub since: Instant,
    /// Who waits.
    pub waiting: Vec<(Seq, W)>,
}

/// What waits of one room.
#[derive(Debug)]
struct Waiting<W> {
    /// By person.
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
    /// It waits to be written in the place of this one: too many of one person and room wait.
    Instead(W),
    /// Too many wait.
    Full(W),
}

/// See the module. `W` is whoever waits for a mark.
#[derive(Debug)]
pub struct Marks<W> {
    rooms: HashMap<RoomId, Waiting<W>>,
    /// The rooms by when they are due.
    order: BTreeSet<(Instant, RoomId)>,
    /// What was due, and is next.
    ready: VecDeque<Due<W>>,
    /// Nothing is written before.
    rests_until: Option<Instant>,
    /// Rooms that were written lately.
    written: HashMap<RoomId, Written>,
    /// When those are forgotten.
    forget: BTreeSet<(Instant, RoomId)>,
    /// Of how many people and rooms some wait.
    many: usize,
}

impl<W> Default for Marks<W> {
    fn default() -> Self {
        Self {
            rooms: HashMap::new(),
            order: BTreeSet::new(),
            ready: VecDeque::new(),
            rests_until: None,
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
        let those = self.rooms.get(&room).and_then(|waiting| waiting.marks.get(&user));
        if those.is_none() && self.many >= MARKS_WAITING {
            return Taken::Full(who);
        }
        self.many += usize::from(those.is_none());
        let due = written.map_or(now, |written| written.until.max(now));
        let waiting = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.order.insert((due, room));
            Waiting { marks: BTreeMap::new(), due }
        });
        let (furthest, those) = waiting.marks.entry(user).or_insert_with(|| (seq, Vec::new()));
        *furthest = seq.max(*furthest);
        those.push((seq, who));
        // What the first has asked for is a part of what is written.
        if those.len() > MARKS_OF_ONE { Taken::Instead(those.remove(0).1) } else { Taken::Waits }
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.many == 0
    }

    /// Whether somebody was a member of a room a moment ago: a mark of theirs was written, or waits.
    pub fn knows(&self, room: &RoomId, user: &UserId) -> bool {
        self.written.get(room).is_some_and(|written| written.marks.contains_key(user))
            || self.rooms.get(room).is_some_and(|waiting| waiting.marks.contains_key(user))
    }

    /// Somebody's mark is there, or further.
    pub fn wrote(&mut self, mark: Mark) {
        if let Some(written) = self.written.get_mut(&mark.room) {
            let known = written.marks.entry(mark.user).or_default();
            *known = mark.seq.max(*known);
        }
    }

    /// When there is something to be done next.
    pub fn next_due(&self) -> Option<Instant> {
        let due = self.ready.front().map(|due| due.since).or_else(|| self.order.first().map(|(due, _)| *due));
        let due = due.map(|due| self.rests_until.map_or(due, |until| until.max(due)));
        due.into_iter().chain(self.forget.first().map(|(until, _)| *until)).min()
    }

    /// Something was written, until now.
    pub fn rest(&mut self, now: Instant) {
        self.rests_until = Some(now + MARKS_REST);
    }

    /// What is to be written now, at most [`MARKS`], no person and room twice, in the order of rooms and people. None of these rooms is
    /// due again for a while.
    pub fn due(&mut self, now: Instant) -> Vec<Due<W>> {
        while let Some((until, room)) = self.forget.first().filter(|(until, _)| *until <= now).cloned() {
            self.written.remove(&room);
            self.forget.remove(&(until, room));
        }
        if self.rests_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        while let Some((due, room)) = self.order.first().filter(|(due, _)| *due <= now).cloned() {
            self.order.remove(&(due, room.clone()));
            let Some(waiting) = self.rooms.remove(&room) else { continue };
            debug_assert_eq!(waiting.due, due);
            let until = now + MARKS_EVERY;
            if let Some(before) = self.written.insert(room.clone(), Written { until, marks: HashMap::new() }) {
                self.forget.remove(&(before.until, room.clone()));
            }
            self.forget.insert((until, room.clone()));
            let due = waiting.marks.into_iter().map(|(user, (seq, waiting))| {
                let mark = Mark { room: room.clone(), user, seq };
                Due { mark, since: due, waiting }
            });
            self.ready.extend(due);
        }
        let (mut all, mut those) = (Vec::new(), HashSet::new());
        while all.len() < MARKS
            && let Some(Mark { room, user, .. }) = self.ready.front().map(|due| &due.mark)
            && those.insert((room.clone(), user.clone()))
        {
            self.many -= 1;
            all.extend(self.ready.pop_front());
        }
        all.sort_by(|a: &Due<W>, b| a.mark.cmp(&b.mark));
        all
    }
}

#[cfg(test)]
mod tests;
