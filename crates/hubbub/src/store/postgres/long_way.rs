//! Who cannot take the short way of messages. Trying it costs a round trip: where it has failed, it is not tried again for a while.

use hubbub_core::{
    log::entry::Draft,
    model::ids::{RoomId, UserId},
};
use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long it is not tried again. Settings of rooms and mutes change seldom.
const FOR: Duration = Duration::from_secs(10);

/// Rooms and people that are remembered. With more of them all are tried again.
const MOST: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LongWay {
    /// Whether anybody is remembered: for most batches that is all that is asked.
    anybody: AtomicBool,
    until: Mutex<HashMap<RoomId, Room>>,
}

#[derive(Debug, Default)]
struct Room {
    all: Option<Instant>,
    people: HashMap<UserId, Instant>,
}

impl LongWay {
    /// Whether one of these drafts is known to need it.
    pub(super) fn is_for(&self, drafts: &[Draft], now: Instant) -> bool {
        if !self.anybody.load(Ordering::Relaxed) {
            return false;
        }
        let rooms = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.iter().any(|draft| {
            rooms.get(&draft.room).is_some_and(|room| {
                [room.all.as_ref(), room.people.get(&draft.from)].into_iter().flatten().any(|until| *until > now)
            })
        })
    }

    /// Everybody in this room does.
    pub(super) fn note_room(&self, room: &RoomId, now: Instant) {
        self.note(room, now, |room, until| room.all = Some(until));
    }

    /// This person does, there.
    pub(super) fn note_person(&self, room: &RoomId, user: &UserId, now: Instant) {
        self.note(room, now, |room, until| {
            room.people.insert(user.clone(), until);
        });
    }

    fn note(&self, room: &RoomId, now: Instant, set: impl FnOnce(&mut Room, Instant)) {
        let mut rooms = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.values().map(|room| 1 + room.people.len()).sum::<usize>() >= MOST {
            rooms.clear();
        }
        set(rooms.entry(room.clone()).or_default(), now + FOR);
        self.anybody.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{
        log::{
            entry::{Proposal, Right},
            hash::HashKey,
            kinds::{Message, Text, What},
        },
        model::ids::Key,
    };
    use uuid::Uuid;

    fn says(room: &str, user: &str) -> Draft {
        let what = What::Message(Message::new(Text::parse("hi").unwrap(), None, None));
        let (room, user) = (RoomId::parse(room).unwrap(), UserId::parse(user).unwrap());
        Proposal::new(room, user, Some(Key::parse("k").unwrap()), what, Right::Own).draft(&HashKey([0; 32]), Uuid::nil)
    }

    #[test]
    fn whoever_needed_the_long_way_takes_it_for_a_while_and_others_do_not() {
        let (way, now) = (LongWay::default(), Instant::now());
        let (ana, ben, other) = (says("general", "ana"), says("general", "ben"), says("kitchen", "ana"));
        assert!(!way.is_for(&[ana.clone(), ben.clone()], now));
        way.note_person(&ana.room, &ana.from, now);
        let is_for = |draft: &Draft, after: Duration| way.is_for(std::slice::from_ref(draft), now + after);
        let at_once = Duration::ZERO;
        assert_eq!([&ana, &ben, &other].map(|draft| is_for(draft, at_once)), [true, false, false]);
        way.note_room(&ben.room, now);
        assert_eq!([&ana, &ben, &other].map(|draft| is_for(draft, at_once)), [true, true, false]);
        assert!(!is_for(&ana, FOR) && !is_for(&ben, FOR));
    }

    #[test]
    fn so_many_are_remembered() {
        let (way, now) = (LongWay::default(), Instant::now());
        let ana = says("general", "ana");
        way.note_room(&ana.room, now);
        for n in 0..MOST {
            way.note_person(&RoomId::parse(&format!("room-{n}")).unwrap(), &ana.from, now);
        }
        assert!(!way.is_for(std::slice::from_ref(&ana), now));
        assert!(way.until.lock().unwrap().len() <= MOST);
    }
}
