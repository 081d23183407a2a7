//! Sends of one connection to one room, through a committer whose store fails, is slow, or commits and cannot say so. The client
//! repeats what was refused; the log has everything once, in the order in which it was first sent.

use crate::chance::Chance;
use hubbub_core::{
    limits,
    log::source::{Failed, Source},
    model::ids::{Key, RoomId},
    wire::{
        error::Pace,
        send_order::{Delay, SendOrder, Ticket},
    },
};
use std::{
    collections::VecDeque,
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// How the client goes about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It sends some, waits for all answers, and sends again from the first that failed.
    Patient,
    /// It sends whenever it has something, and repeats each refused send when it was told to.
    Eager,
}

/// A send on its way through the server.
struct Waiting {
    number: usize,
    ticket: Ticket,
    source: Source,
    since: Instant,
}

struct World {
    chance: Chance,
    manner: Manner,
    now: Instant,
    room: RoomId,
    order: SendOrder,
    /// At most so many sends a second, where that is limited.
    per_second: Option<NonZeroU32>,
    next_slot: Instant,
    queue: VecDeque<Waiting>,
    /// Answers that the connection's task has not seen yet: whether the send failed.
    answers: Vec<(Waiting, bool)>,
    log: Vec<usize>,
    /// What the client has to send, and when: its first messages in their order, and repeats.
    to_send: VecDeque<(Instant, usize)>,
    unanswered: usize,
    failed: Vec<usize>,
    acknowledged: usize,
}

impl World {
    fn new(mut chance: Chance) -> Self {
        let manner = chance.one(&[Manner::Patient, Manner::Eager]);
        let per_second = chance.percent(40).then(|| NonZeroU32::new(chance.from(2, 20) as u32)).flatten();
        let now = Instant::now();
        Self {
            manner,
            now,
            room: RoomId::parse("general").unwrap(),
            order: SendOrder::new(Source::new(1)),
            per_second,
            next_slot: now,
            queue: VecDeque::new(),
            answers: Vec::new(),
            log: Vec::new(),
            to_send: VecDeque::new(),
            unanswered: 0,
            failed: Vec::new(),
            acknowledged: 0,
            chance,
        }
    }

    fn send(&mut self, number: usize) {
        let key = Key::parse(&number.to_string()).unwrap();
        let ticket = match self.order.may_send(&self.room, Some(&key), self.now) {
            Ok(ticket) => ticket,
            Err(why) => return self.was_refused(number, wait_told(&why.message)),
        };
        if let Some(per_second) = self.per_second {
            if self.next_slot > self.now {
                let wait = self.next_slot - self.now;
                self.order.refuse(
                    &self.room,
                    ticket,
                    Some(key),
                    Delay::TooFast(Pace::Connection(per_second)),
                    wait,
                    self.now,
                );
                return self.was_refused(number, wait + Duration::from_millis(1));
            }
            self.next_slot = self.now + Duration::from_secs(1) / per_second.get();
        }
        let source = self.order.begin(&self.room, ticket);
        self.queue.push_back(Waiting { number, ticket, source, since: self.now });
    }

    /// The client is told to send it again.
    fn was_refused(&mut self, number: usize, wait: Duration) {
        self.unanswered -= 1;
        match self.manner {
            Manner::Patient => self.failed.push(number),
            Manner::Eager => {
                self.unanswered += 1;
                // Nobody asks again in the same moment.
                let rest = Duration::from_millis(self.chance.from(1, 50));
                self.to_send.push_back((self.now + wait + rest, number));
            }
        }
    }

    /// The committer takes a batch; then whatever becomes of it.
    fn commit(&mut self) {
        let refused: Vec<_> = take_if(&mut self.queue, |waiting| waiting.source.has_failed());
        self.answer(refused, true);
        let size = self.chance.from(1, 8) as usize;
        let batch: Vec<_> = (0..size).map_while(|_| self.queue.pop_front()).collect();
        let took = self.chance.from(0, 200);
        self.pass(Duration::from_millis(took));
        let fails = self.chance.percent(25);
        if !fails || self.chance.percent(40) {
            for waiting in &batch {
                if !self.log.contains(&waiting.number) {
                    self.log.push(waiting.number);
                }
            }
        }
        if !fails {
            return self.answer(batch, false);
        }
        // More comes in while the batch is tried.
        self.pass(limits::COMMIT_PATIENCE);
        let mut failed = Failed::default();
        batch.iter().for_each(|waiting| failed.add(&waiting.source, &self.room));
        self.answer(batch, true);
        let (now, room) = (self.now, self.room.clone());
        let is_late = |waiting: &Waiting| now - waiting.since > limits::SEND_PATIENCE;
        let behind = take_if(&mut self.queue, |waiting| failed.takes_along(&waiting.source, &room, is_late(waiting)));
        self.answer(behind, true);
    }

    fn answer(&mut self, waiting: Vec<Waiting>, failed: bool) {
        self.answers.extend(waiting.into_iter().map(|waiting| (waiting, failed)));
    }

    /// The connection's task sees some answers, in no order.
    fn see_answers(&mut self) {
        for _ in 0..self.chance.from(0, 6) {
            if self.answers.is_empty() {
                return;
            }
            let at = self.chance.index(self.answers.len());
            let (waiting, failed) = self.answers.swap_remove(at);
            let key = Key::parse(&waiting.number.to_string()).unwrap();
            self.order.settled(&self.room, waiting.ticket, failed.then_some(Some(key)), self.now);
            if failed {
                self.was_refused(waiting.number, Duration::ZERO);
            } else {
                self.unanswered -= 1;
                self.acknowledged += 1;
            }
        }
    }

    /// Time passes, in which the client sends what is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = (0..self.to_send.len()).min_by_key(|at| (self.to_send[*at].0, *at))
            && self.to_send[at].0 <= end
            && let Some((due, number)) = self.to_send.remove(at)
        {
            self.now = self.now.max(due);
            self.send(number);
        }
        self.now = end;
    }
}

fn take_if<T>(from: &mut VecDeque<T>, mut is_it: impl FnMut(&T) -> bool) -> Vec<T> {
    let (taken, kept) = std::mem::take(from).into_iter().partition(|one| is_it(one));
    *from = Vec::into(kept);
    taken
}

/// `… retry in 12 ms with the same key`; at once where nothing is said.
fn wait_told(message: &str) -> Duration {
    let words: Vec<_> = message.split(' ').collect();
    let at = words.iter().position(|word| *word == "ms");
    Duration::from_millis(at.map_or(0, |at| words[at - 1].parse().unwrap()))
}

#[test]
fn sends_are_committed_once_and_in_their_order_whatever_fails() {
    crate::seeds(1_000, |chance| {
        let mut world = World::new(chance);
        let messages = world.chance.from(5, 40) as usize;
        let mut next = 0;
        for _ in 0..100_000 {
            let may_begin = world.manner == Manner::Eager || (world.unanswered == 0 && world.to_send.is_empty());
            if may_begin && !world.failed.is_empty() {
                // Again from the first that failed, also what was taken.
                let first = world.failed.drain(..).min().unwrap();
                world.acknowledged -=
                    (first..next).filter(|number| world.log.contains(number)).count().min(world.acknowledged);
                world.unanswered += next - first;
                (first..next).for_each(|number| world.to_send.push_back((world.now, number)));
            } else if may_begin && next < messages && world.chance.percent(40) {
                let some = (world.chance.from(1, 6) as usize).min(messages - next);
                world.unanswered += some;
                (next..next + some).for_each(|number| world.to_send.push_back((world.now, number)));
                next += some;
            }
            match world.chance.from(0, 2) {
                0 => world.commit(),
                1 => world.see_answers(),
                _ => {
                    let time = world.chance.from(0, 60);
                    world.pass(Duration::from_millis(time));
                }
            }
            if next == messages && world.unanswered == 0 && world.failed.is_empty() {
                break;
            }
        }
        assert_eq!(world.log, (0..messages).collect::<Vec<_>>());
        assert_eq!(world.order.in_flight(), 0);
    });
}
