//! Hints of one client. They come past its subscriptions, and may not overtake them: who is told that a room may be followed
//! again has been told before that the old subscription has ended.

use super::{Client, Transport};
use crate::chat::live::inbox::{HINTS, Told, ToldPush};
use hubbub_core::{
    model::{ids::RoomId, seq::Seq},
    wire::push::{self, Hint},
};
use std::collections::{HashMap, VecDeque};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// What waits until its entry was delivered, or the subscription has ended.
    held: HashMap<RoomId, VecDeque<Told>>,
    /// Some were lost, and the client has not been told yet.
    missed: bool,
}

impl Hints {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && !self.missed
    }

    fn hold(&mut self, room: RoomId, told: Told) {
        if self.held.values().map(VecDeque::len).sum::<usize>() < HINTS {
            self.held.entry(room).or_default().push_back(told);
        } else {
            self.missed = true;
        }
    }
}

impl<T: Transport> Client<T> {
    /// Takes what has come in for the user.
    pub(super) fn take_hints(&mut self, hints: VecDeque<Told>, missed: bool) {
        self.hints.missed |= missed;
        self.tell_missed();
        for told in hints {
            match &told.of {
                // The room is gone: nothing that waits of it is so any more.
                Some((room, Seq::MAX)) => {
                    self.hints.held.remove(room);
                    self.tell(&told);
                }
                Some((room, seq)) if self.must_wait(room, *seq, told.admits) => {
                    let room = room.clone();
                    self.hints.hold(room, told);
                }
                _ => self.tell(&told),
            }
        }
    }

    /// Behind one that waits all of the same room do.
    fn must_wait(&self, room: &RoomId, seq: Seq, admits: bool) -> bool {
        self.hints.held.contains_key(room) || (admits && self.is_behind(room, seq))
    }

    fn is_behind(&self, room: &RoomId, seq: Seq) -> bool {
        let subscription = self.slots.get(room).and_then(|slot| self.subscriptions.get(slot));
        self.connection.is_subscribing(room) || subscription.is_some_and(|subscription| subscription.at() < seq)
    }

    /// Tells what has waited for a subscription that has gone on, or ended.
    pub(super) fn release_hints(&mut self, room: &RoomId) {
        while let Some(waiting) = self.hints.held.get_mut(room) {
            let Some(first) = waiting.front() else {
                self.hints.held.remove(room);
                return;
            };
            let seq = first.of.as_ref().map_or(Seq::ZERO, |(_, seq)| *seq);
            if self.is_behind(room, seq) {
                return;
            }
            if let Some(told) = self.hints.held.get_mut(room).and_then(VecDeque::pop_front) {
                self.tell(&told);
            }
        }
    }

    /// Something that the client would have to ask for was not told.
    pub(super) const fn hints_were_lost(&mut self) {
        self.hints.missed = true;
    }

    fn tell(&mut self, told: &Told) {
        if self.outbox.is_full() {
            self.hints.missed = true;
            return;
        }
        match (&told.push, self.connection.user()) {
            (ToldPush::Framed(push), _) => self.outbox.push(push::of_hint(push, self.format()).clone()),
            (ToldPush::Said(body), Some(user)) => {
                let push = push::hint(user, &Hint::Signal(body.as_str()));
                self.outbox.push(push::of_hint(&push, self.format()).clone());
            }
            (ToldPush::Said(_), None) => {}
        }
    }

    /// Tells that some were lost, once there is room.
    pub(super) fn tell_missed(&mut self) {
        if self.hints.missed
            && !self.outbox.is_full()
            && let Some(user) = self.connection.user()
        {
            let push = push::hint(user, &Hint::Missed);
            self.outbox.push(push::of_hint(&push, self.format()).clone());
            self.hints.missed = false;
        }
    }
}
