//! Rooms whose sends are refused because somebody holds their rows: who, for how long, how many, and that it is over. For the
//! log, in few lines however many they are.

use crate::{
    limits::{LOCK_FORGOTTEN, SUMMARY_AFTER, SUMMARY_EVERY, SUMMARY_NAMES},
    model::ids::RoomId,
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What has become of them.
    pub state: State,
    /// How many rooms.
    pub rooms: usize,
    /// The one that was locked the longest, and for how long.
    pub longest: (RoomId, Duration),
    /// Sends to all of them that were refused.
    pub refused: usize,
}

/// What has become of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// They stay locked.
    Locked,
    /// Sends to them are taken again.
    Free,
    /// Nobody has sent anything to them for a while: whether they are locked is not known.
    Quiet,
}

#[derive(Debug)]
struct Held {
    since: Instant,
    last: Instant,
    refused: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub struct LockedRooms {
    held: HashMap<RoomId, Held>,
    freed: Vec<(RoomId, Duration, usize)>,
    /// The first of those that nothing was said of yet.
    first: Option<Instant>,
    said: Option<Instant>,
}

impl LockedRooms {
    /// Whether there is nothing to say, and nothing to look after.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.freed.is_empty()
    }

    /// Whether this room is known to be locked.
    pub fn has(&self, room: &RoomId) -> bool {
        self.held.contains_key(room)
    }

    /// So many sends were refused, because the room has been locked since.
    pub fn refused(&mut self, room: &RoomId, sends: usize, since: Instant, now: Instant) {
        if self.held.len() >= SUMMARY_NAMES && !self.held.contains_key(room) {
            return;
        }
        let held = self.held.entry(room.clone()).or_insert(Held { since, last: now, refused: 0 });
        held.last = now;
        held.refused += sends;
        self.first.get_or_insert(now);
    }

    /// A send to the room was taken.
    pub fn taken(&mut self, room: &RoomId, now: Instant) {
        if let Some((room, held)) = self.held.remove_entry(room) {
            self.freed.push((room, now - held.since, held.refused));
        }
    }

    /// What is to be said now. To be asked every [`SUMMARY_AFTER`].
    pub fn tick(&mut self, now: Instant) -> Vec<Said> {
        let mut lines = Vec::new();
        let is_new = self.said.is_none() && self.first.is_some_and(|first| now - first >= SUMMARY_AFTER);
        let is_time = self.said.is_some_and(|said| now - said >= SUMMARY_EVERY);
        let is_over = self.held.is_empty() && self.said.is_some();
        if !(is_new || is_time || is_over) {
            return lines;
        }
        lines.extend(Said::of(State::Free, std::mem::take(&mut self.freed).into_iter()));
        let quiet = self.held.extract_if(|_, held| now - held.last >= LOCK_FORGOTTEN);
        lines.extend(Said::of(State::Quiet, quiet.map(|(room, held)| (room, held.last - held.since, held.refused))));
        let held = self.held.iter().map(|(room, held)| (room.clone(), now - held.since, held.refused));
        lines.extend(Said::of(State::Locked, held));
        (self.first, self.said) = (None, Some(now).filter(|_| !self.held.is_empty()));
        lines
    }
}

impl Said {
    fn of(state: State, rooms: impl Iterator<Item = (RoomId, Duration, usize)>) -> Option<Self> {
        let (mut count, mut refused) = (0, 0);
        let mut longest: Option<(RoomId, Duration)> = None;
        for (room, lasted, sends) in rooms {
            count += 1;
            refused += sends;
            if longest.as_ref().is_none_or(|(_, other)| lasted > *other) {
                longest = Some((room, lasted));
            }
        }
        longest.map(|longest| Self { state, rooms: count, longest, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(n: usize) -> RoomId {
        RoomId::parse(&format!("r{n}")).unwrap()
    }

    #[test]
    fn who_is_locked_is_said_and_that_it_is_over() {
        let (mut rooms, begin) = (LockedRooms::default(), Instant::now());
        let at = |millis| begin + Duration::from_millis(millis);
        rooms.refused(&room(1), 3, begin, at(1_000));
        assert_eq!(rooms.tick(at(1_500)), [], "others may come");
        rooms.refused(&room(1), 4, at(1_500), at(1_900));
        let said = rooms.tick(at(2_000));
        let longest = (room(1), Duration::from_secs(2));
        assert_eq!(said, [Said { state: State::Locked, rooms: 1, longest, refused: 7 }]);
        rooms.refused(&room(1), 1, at(2_000), at(3_000));
        assert_eq!(rooms.tick(at(3_000)), [], "not so soon again");
        assert!(rooms.has(&room(1)));
        rooms.taken(&room(1), at(4_000));
        let longest = (room(1), Duration::from_secs(4));
        assert_eq!(rooms.tick(at(4_100)), [Said { state: State::Free, rooms: 1, longest, refused: 8 }], "at once");
        assert!(rooms.is_empty());
        rooms.taken(&room(1), at(5_000));
        assert_eq!(rooms.tick(at(6_000)), []);
    }

    #[test]
    fn a_table_that_is_locked_is_a_line_with_the_number_of_its_rooms() {
        let (mut rooms, begin) = (LockedRooms::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        (0..300).for_each(|n| rooms.refused(&room(n), 2, at(0), at(1)));
        let said = rooms.tick(at(2));
        assert_eq!((said.len(), said[0].rooms, said[0].refused), (1, 300, 600));
        (0..200).for_each(|n| rooms.taken(&room(n), at(3)));
        assert_eq!(rooms.tick(at(3)), [], "some are still locked: it can wait");
        (200..300).for_each(|n| rooms.refused(&room(n), 1, at(9), at(10)));
        let said: Vec<_> = rooms.tick(at(12)).iter().map(|said| (said.state, said.rooms, said.refused)).collect();
        assert_eq!(said, [(State::Free, 200, 400), (State::Locked, 100, 300)]);
        let said: Vec<_> = rooms.tick(at(60)).iter().map(|said| (said.state, said.rooms)).collect();
        assert_eq!(said, [(State::Quiet, 100)], "nobody asks any more");
        assert!(rooms.is_empty());
    }
}
