//! Sends of some connections to some rooms, through one committer whose store fails, is slow, finds a room locked, commits and
//! cannot say so, or commits without its standby, which then becomes the primary. Clients repeat what was refused; each log has
//! everything once, and of each connection in the order in which it was first sent.

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

/// How a client goes about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It sends some, waits for all answers, and sends again from the first that failed.
    Patient,
    /// The same, by what is submitted in no line, like changes of members.
    Plain,
    /// It sends whenever it has something, and repeats each refused send when it was told to.
    Eager,
}

/// A send on its way through the server, as its connection's task sees it.
#[derive(Clone)]
struct Pending {
    /// No other attempt has it.
    id: usize,
    number: usize,
    ticket: Option<Ticket>,
    source: Source,
    since: Instant,
}

/// The same in the committer's queue.
struct Waiting {
    client: usize,
    room: RoomId,
    send: Pending,
}

/// What is in a log: whose, and which.
type Logged = (usize, usize);

struct Client {
    manner: Manner,
    room: RoomId,
    order: SendOrder,
    /// At most so many sends a second, where that is limited.
    per_second: Option<NonZeroU32>,
    next_slot: Instant,
    pending: Vec<Pending>,
    /// Answers that the connection's task has not seen yet: to which send, and whether it failed.
    answers: Vec<(usize, bool)>,
    /// What the client has to send, and when: its first messages in their order, and repeats.
    to_send: VecDeque<(Instant, usize)>,
    unanswered: usize,
    failed: Vec<usize>,
    next: usize,
    messages: usize,
}

struct World {
    chance: Chance,
    now: Instant,
    clients: Vec<Client>,
    queue: VecDeque<Waiting>,
    /// Everything that was committed, in the order of the commits.
    log: Vec<(RoomId, Logged)>,
    /// So much of it the standby has.
    durable: usize,
    attempts: usize,
}

impl Client {
    fn new(number: usize, chance: &mut Chance, now: Instant) -> Self {
        let manner = chance.one(&[Manner::Patient, Manner::Eager, Manner::Plain]);
        // A place is kept for who comes again when it was told to. The patient come when everything has been answered.
        let is_limited = manner == Manner::Eager && chance.percent(40);
        let per_second = is_limited.then(|| NonZeroU32::new(chance.from(2, 20) as u32)).flatten();
        Self {
            manner,
            room: RoomId::parse(chance.one(&["general", "elsewhere"])).unwrap(),
            order: SendOrder::new(Source::new(number as u64 + 1)),
            per_second,
            next_slot: now,
            pending: Vec::new(),
            answers: Vec::new(),
            to_send: VecDeque::new(),
            unanswered: 0,
            failed: Vec::new(),
            next: 0,
            messages: chance.from(3, 25) as usize,
        }
    }

    fn is_done(&self) -> bool {
        self.next == self.messages && self.unanswered == 0 && self.failed.is_empty()
    }

    /// Sends something new, or again from the first that failed.
    fn go_on(&mut self, chance: &mut Chance, now: Instant) {
        let may_begin = self.manner == Manner::Eager || (self.unanswered == 0 && self.to_send.is_empty());
        if !may_begin {
            return;
        }
        let some = if let Some(first) = self.failed.drain(..).min() {
            // Also what was taken.
            first..self.next
        } else if self.next < self.messages && chance.percent(40) {
            let some = (chance.from(1, 6) as usize).min(self.messages - self.next);
            self.next += some;
            self.next - some..self.next
        } else {
            return;
        };
        self.unanswered += some.len();
        some.for_each(|number| self.to_send.push_back((now, number)));
    }

    /// The client is told to send it again.
    fn was_refused(&mut self, number: usize, wait: Duration, chance: &mut Chance, now: Instant) {
        match self.manner {
            Manner::Patient | Manner::Plain => {
                self.unanswered -= 1;
                self.failed.push(number);
            }
            // Nobody asks again in the same moment.
            Manner::Eager => {
                let rest = Duration::from_millis(chance.from(1, 50));
                self.to_send.push_back((now + wait + rest, number));
            }
        }
    }

    /// The connection's task sees some answers, in no order; and who has waited too long is answered without one.
    fn see_answers(&mut self, chance: &mut Chance, now: Instant) {
        for _ in 0..chance.from(0, 6) {
            if self.answers.is_empty() {
                break;
            }
            let (id, failed) = self.answers[chance.index(self.answers.len())];
            self.settled(id, failed, chance, now);
        }
        let late = self.pending.iter().filter(|send| now - send.since > limits::SEND_PATIENCE);
        for send in late.cloned().collect::<Vec<_>>() {
            send.source.fail();
            self.settled(send.id, true, chance, now);
        }
    }

    fn settled(&mut self, id: usize, failed: bool, chance: &mut Chance, now: Instant) {
        let Some(at) = self.pending.iter().position(|send| send.id == id) else { return };
        let send = self.pending.remove(at);
        // Nobody listens to what comes later.
        self.answers.retain(|(of, _)| *of != id);
        let key = Key::parse(&send.number.to_string()).unwrap();
        if let Some(ticket) = send.ticket {
            self.order.settled(&self.room, ticket, failed.then_some(Some(key)), now);
        }
        if failed {
            self.was_refused(send.number, Duration::ZERO, chance, now);
        } else {
            self.unanswered -= 1;
        }
    }
}

impl World {
    fn new(mut chance: Chance) -> Self {
        let now = Instant::now();
        let clients = (0..chance.from(2, 3) as usize).map(|number| Client::new(number, &mut chance, now)).collect();
        Self { chance, now, clients, queue: VecDeque::new(), log: Vec::new(), durable: 0, attempts: 0 }
    }

    fn send(&mut self, client: usize, number: usize) {
        let (own, now) = (&mut self.clients[client], self.now);
        self.attempts += 1;
        let id = self.attempts;
        if own.manner == Manner::Plain {
            let source = Source::new(client as u64 + 1);
            return self.queue(client, Pending { id, number, ticket: None, source, since: now });
        }
        let key = Key::parse(&number.to_string()).unwrap();
        let ticket = match own.order.may_send(&own.room, Some(&key), now) {
            Ok(ticket) => ticket,
            Err(why) => return own.was_refused(number, wait_told(&why.message), &mut self.chance, now),
        };
        if let Some(per_second) = own.per_second {
            if own.next_slot > now {
                let wait = own.next_slot - now;
                let pace = Delay::TooFast(Pace::Connection(per_second));
                own.order.refuse(&own.room, ticket, Some(key), pace, wait, now);
                return own.was_refused(number, wait + Duration::from_millis(1), &mut self.chance, now);
            }
            own.next_slot = now + Duration::from_secs(1) / per_second.get();
        }
        let source = own.order.begin(&own.room, ticket, now);
        self.queue(client, Pending { id, number, ticket: Some(ticket), source, since: now });
    }

    fn queue(&mut self, client: usize, send: Pending) {
        let own = &mut self.clients[client];
        own.pending.push(send.clone());
        self.queue.push_back(Waiting { client, room: own.room.clone(), send });
    }

    /// The committer takes a batch; then whatever becomes of it.
    fn commit(&mut self) {
        let refused: Vec<_> = take_if(&mut self.queue, |waiting| waiting.send.source.has_failed());
        self.answer(refused, true);
        let size = self.chance.from(1, 8) as usize;
        let batch: Vec<_> = (0..size).map_while(|_| self.queue.pop_front()).collect();
        let took = self.chance.from(0, 200);
        self.pass(Duration::from_millis(took));
        let mut failed = Failed::default();
        if self.chance.percent(15) {
            // One of the rooms is locked: each is tried for itself.
            let locked = RoomId::parse(self.chance.one(&["general", "elsewhere"])).unwrap();
            let (held, free) = batch.into_iter().partition(|waiting| waiting.room == locked);
            self.append(free);
            self.pass(limits::LOCK_TIMEOUT * 2);
            failed = self.give_up(held);
        } else if self.chance.percent(25) {
            let is_committed = self.chance.percent(40);
            if is_committed {
                // A COMMIT that was answered by nobody, or with a warning: the standby may not have it.
                self.write(&batch);
            }
            // More comes in while the batch is tried.
            self.pass(limits::COMMIT_PATIENCE);
            if is_committed && self.chance.percent(30) {
                // It is run again, finds everything there, and waits for the standby.
                self.append(batch);
            } else {
                failed = self.give_up(batch);
            }
        } else {
            self.append(batch);
        }
        if failed.is_empty() {
            return;
        }
        let now = self.now;
        let is_late = |send: &Pending| now - send.since > limits::SEND_PATIENCE;
        let behind = take_if(&mut self.queue, |waiting| {
            failed.takes_along(&waiting.send.source, &waiting.room, is_late(&waiting.send))
        });
        self.answer(behind, true);
        if self.chance.percent(20) {
            // The standby becomes the primary.
            self.log.truncate(self.durable);
        }
    }

    fn write(&mut self, batch: &[Waiting]) {
        for waiting in batch {
            let entry = (waiting.room.clone(), (waiting.client, waiting.send.number));
            if !self.log.contains(&entry) {
                self.log.push(entry);
            }
        }
    }

    /// Commits and answers. The commit waits for the standby, and with it for all before.
    fn append(&mut self, batch: Vec<Waiting>) {
        self.write(&batch);
        if !batch.is_empty() {
            self.durable = self.log.len();
        }
        self.answer(batch, false);
    }

    fn give_up(&mut self, batch: Vec<Waiting>) -> Failed {
        let mut failed = Failed::default();
        batch.iter().for_each(|waiting| failed.add(&waiting.send.source, &waiting.room));
        self.answer(batch, true);
        failed
    }

    fn answer(&mut self, waiting: Vec<Waiting>, failed: bool) {
        for Waiting { client, send, .. } in waiting {
            let client = &mut self.clients[client];
            if client.pending.iter().any(|pending| pending.id == send.id) {
                client.answers.push((send.id, failed));
            }
        }
    }

    /// Time passes, in which clients send what is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = |(client, own): (usize, &Client)| {
                let at = (0..own.to_send.len()).min_by_key(|at| (own.to_send[*at].0, *at))?;
                Some((own.to_send[at].0, client, at))
            };
            let next = self.clients.iter().enumerate().filter_map(due).min();
            let Some((when, client, at)) = next.filter(|(when, _, _)| *when <= end) else { break };
            let Some((_, number)) = self.clients[client].to_send.remove(at) else { break };
            self.now = self.now.max(when);
            self.send(client, number);
        }
        self.now = end;
    }

    fn step(&mut self) {
        for client in &mut self.clients {
            client.go_on(&mut self.chance, self.now);
        }
        match self.chance.from(0, 2) {
            0 => self.commit(),
            1 => {
                let at = self.chance.index(self.clients.len());
                self.clients[at].see_answers(&mut self.chance, self.now);
            }
            _ => {
                let time = self.chance.from(0, 60);
                self.pass(Duration::from_millis(time));
            }
        }
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
        let mut steps = 0;
        while !world.clients.iter().all(Client::is_done) {
            steps += 1;
            assert!(steps < 1_000_000, "it comes to no end");
            world.step();
        }
        for (number, client) in world.clients.iter().enumerate() {
            let own = world.log.iter().filter(|(room, (by, _))| *by == number && *room == client.room);
            let own: Vec<usize> = own.map(|(_, (_, message))| *message).collect();
            assert_eq!(own, (0..client.messages).collect::<Vec<_>>(), "client {number} in {}", client.room);
            assert_eq!(client.order.in_flight(), 0);
        }
    });
}
