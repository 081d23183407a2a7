//! A world of customers, some of whose messages a portal does not take, in a time of its own: how long the others wait.

use super::*;
use crate::{
    delivery::{
        attempt::{Attempt, keep},
        breaker::{Breaker, Permit},
        retry::{Class, Next, Policy, PostVerdict, next},
        stored_cursor::Delivery,
    },
    limits,
    model::time::Timestamp,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const CONCURRENCY: usize = limits::PORTAL_CONCURRENCY;
/// How long the portal takes for an answer, in milliseconds.
const ANSWERED: i64 = 20;
const TICK: i64 = 10;
/// How long it takes where it hangs.
const HANGS: i64 = 15_000;

#[derive(Debug, Clone, Copy)]
enum Poison {
    Answered(Class),
    Hangs,
    /// It is taken, in so many calls.
    Long(usize),
}

struct Session {
    customer: UserId,
    honest: bool,
    /// When its messages were written.
    waiting: VecDeque<i64>,
    delivery: Delivery,
    due_at: i64,
    /// When its call ends.
    busy: Option<i64>,
    /// Calls of this turn, and of its message.
    calls: (usize, usize),
}

struct World {
    began: Instant,
    now: i64,
    sessions: Vec<Session>,
    breaker: Breaker,
    poison: Poison,
    down: bool,
    succeeded_at: Option<Timestamp>,
    chance: u64,
    /// How long honest messages waited.
    took: Vec<i64>,
    dead: usize,
    /// Failures since the portal last took something.
    failed: HashMap<UserId, usize>,
    known: Arc<Known>,
    /// Poison is written from then on.
    poisoned_at: i64,
    /// The first session writes nothing.
    is_silent: bool,
}

impl World {
    fn new(honest: usize, poisoned: usize, of_one: bool, poison: Poison) -> Self {
        let session = |n: usize| {
            let honest = n < honest;
            let customer = if honest || !of_one { format!("u{n}") } else { "mallory".into() };
            Session {
                customer: user(&customer),
                honest,
                waiting: VecDeque::new(),
                delivery: Delivery::default(),
                due_at: 0,
                busy: None,
                calls: (0, 0),
            }
        };
        Self {
            began: began(),
            now: 0,
            sessions: (0..honest + poisoned).map(session).collect(),
            breaker: Breaker::default(),
            poison,
            down: false,
            succeeded_at: None,
            chance: 7,
            took: Vec::new(),
            dead: 0,
            failed: HashMap::new(),
            known: Arc::default(),
            poisoned_at: 0,
            is_silent: false,
        }
    }

    fn chance(&mut self) -> f64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) as f64 / (1_u64 << 31) as f64
    }

    fn instant(&self) -> Instant {
        self.began + Duration::from_millis(self.now.cast_unsigned())
    }

    fn hangs(&self, n: usize) -> bool {
        matches!(self.poison, Poison::Hangs) && !self.sessions[n].honest
    }

    fn writes(&mut self, n: usize) {
        let session = &mut self.sessions[n];
        if session.waiting.is_empty() {
            session.due_at = self.now;
        }
        session.waiting.push_back(self.now);
    }

    fn answer(&mut self, n: usize) {
        let (chance, again) = (self.chance(), self.chance());
        let took = if self.hangs(n) { HANGS } else { ANSWERED };
        let under_way = self.sessions.iter().filter(|session| session.busy.is_some()).count();
        let session = &mut self.sessions[n];
        session.calls = (session.calls.0 + 1, session.calls.1 + 1);
        if let Poison::Long(calls) = self.poison
            && !session.honest
            && !self.down
            && session.calls.1 < calls
        {
            if gives_way(session.calls.0, under_way, CONCURRENCY) {
                (session.busy, session.due_at) = (None, self.now);
                self.known.note_long(&session.customer);
            } else {
                session.busy = Some(self.now + ANSWERED);
            }
            return;
        }
        session.calls.1 = 0;
        session.busy = None;
        let class = match self.poison {
            _ if self.down => Class::Down,
            _ if session.honest => Class::Taken,
            Poison::Answered(class) => class,
            Poison::Hangs => Class::Down,
            Poison::Long(_) => Class::Taken,
        };
        let verdict = match class {
            Class::Taken => PostVerdict::TAKEN,
            class => PostVerdict::failed(class, String::new()),
        };
        self.known.note(&session.customer, verdict.is_taken(), Duration::from_millis(took.cast_unsigned()));
        let known = session.delivery.counted >= KNOWN;
        self.breaker.answered(&verdict, known, self.began + Duration::from_millis(self.now.cast_unsigned()), chance);
        if verdict.is_taken() {
            self.failed.clear();
            self.succeeded_at = Some(Timestamp(self.now));
            let written = session.waiting.pop_front();
            self.took.extend(written.filter(|_| session.honest).map(|written| self.now - written));
            (session.delivery, session.due_at) = (Delivery::default(), self.now);
            return;
        }
        *self.failed.entry(session.customer.clone()).or_default() += 1;
        let policy = Policy { waits: &limits::RETRY_SECONDS, give_up_after: limits::GIVE_UP, give_up_alone: None };
        let (so_far, now) = (&session.delivery, Timestamp(self.now));
        match next(policy, so_far, &verdict, self.succeeded_at, now, again) {
            Next::Later { counted, again_in } => {
                let (error, class) = (Some(String::new()), Some(verdict.class.word().into()));
                let attempt =
                    Attempt { at: self.now - took, took: 0, status: None, error, instance: "a".into(), class };
                keep(&mut session.delivery.attempts, &attempt);
                session.delivery.since = session.delivery.since.or(Some(Timestamp(self.now - took)));
                session.delivery.counted = counted;
                session.due_at = self.now + i64::try_from(again_in.as_millis()).unwrap();
            }
            Next::GiveUp { .. } => {
                self.dead += 1;
                session.waiting.pop_front();
                (session.delivery, session.due_at) = (Delivery::default(), self.now);
            }
        }
    }

    fn turn(&mut self) {
        let under_way: Vec<&Session> = self.sessions.iter().filter(|session| session.busy.is_some()).collect();
        let free = CONCURRENCY - under_way.len();
        if free == 0 {
            return;
        }
        let is_failing = |s: &&&Session| s.delivery.since.is_some() || self.known.has_hung(&s.customer);
        let failing = under_way.iter().filter(is_failing).count();
        let mut of_customers: HashMap<UserId, usize> = HashMap::new();
        for session in under_way {
            *of_customers.entry(session.customer.clone()).or_default() += 1;
        }
        let now = self.instant();
        let permit = self.breaker.may(now);
        let probe = || Probe { lot: self.chance, failed: self.failed.clone() };
        let places = Places::permitted(permit, CONCURRENCY, free, failing, of_customers, self.known.clone(), probe);
        let due: Vec<usize> = (0..self.sessions.len())
            .filter(|n| {
                let session = &self.sessions[*n];
                session.busy.is_none() && !session.waiting.is_empty() && session.due_at <= self.now
            })
            .collect();
        let candidate = |n: &usize| {
            let Session { customer, delivery, due_at, .. } = &self.sessions[*n];
            let (fresh, counted) = (delivery.since.is_none(), delivery.counted);
            Candidate { customer: customer.clone(), fresh, counted, due_at: *due_at }
        };
        let candidates: Vec<Candidate> = due.iter().map(candidate).collect();
        let chosen = places.choose(&candidates);
        if chosen.is_empty() && matches!(permit, Permit::One { .. } | Permit::Fresh { and_one: true }) {
            self.breaker.given_back();
        }
        for n in chosen.into_iter().take(places.most).map(|n| due[n]) {
            self.sessions[n].calls.0 = 0;
            self.sessions[n].busy = Some(self.now + if self.hangs(n) { HANGS } else { ANSWERED });
        }
    }

    /// Honest customers write each two seconds or so, and the others as soon as nothing of theirs waits.
    fn lives(&mut self, milliseconds: i64) {
        let end = self.now + milliseconds;
        while self.now < end {
            for n in 0..self.sessions.len() {
                if self.sessions[n].busy.is_some_and(|ends| ends <= self.now) {
                    self.answer(n);
                }
                let writes = match self.sessions[n].honest {
                    _ if n == 0 && self.is_silent => false,
                    true => self.chance() < TICK as f64 / 2_000.0,
                    false => self.sessions[n].waiting.is_empty() && self.now >= self.poisoned_at,
                };
                if writes {
                    self.writes(n);
                }
            }
            self.turn();
            self.now += TICK;
        }
    }

    /// The 99th of a hundred, and the longest.
    fn waited(&mut self) -> (i64, i64) {
        let mut took = std::mem::take(&mut self.took);
        took.sort_unstable();
        (took[took.len() * 99 / 100], took[took.len() - 1])
    }
}

#[test]
fn honest_customers_do_not_notice_a_hundred_poisoned_sessions() {
    let mut alone = World::new(100, 0, false, Poison::Hangs);
    alone.lives(20_000);
    let before = alone.waited();
    println!("alone: 99 of 100 waited {} ms at most, all of them {} ms", before.0, before.1);
    let answered =
        [Class::Down, Class::Throttled, Class::Credentials, Class::Refused, Class::Gone].map(Poison::Answered);
    for (poison, of_one) in
        answered.into_iter().chain([Poison::Hangs]).flat_map(|poison| [(poison, true), (poison, false)])
    {
        let mut world = World::new(100, 100, of_one, poison);
        world.poisoned_at = 3_000;
        world.lives(if matches!(poison, Poison::Hangs) { 40_000 } else { 20_000 });
        let during = world.waited();
        println!(
            "{poison:?}, of one customer: {of_one}: {} ms, {} ms, {} dead letters",
            during.0, during.1, world.dead
        );
        assert!(during.0 <= before.0 + 50, "{poison:?} {of_one}: {during:?}, alone {before:?}");
        assert!(during.1 <= 1_000, "{poison:?} {of_one}: {during:?}");
    }
}

#[test]
fn honest_customers_hardly_notice_a_hundred_long_texts() {
    for of_one in [true, false] {
        let mut world = World::new(100, 100, of_one, Poison::Long(limits::TEXT_PARTS));
        world.poisoned_at = 3_000;
        world.lives(30_000);
        let during = world.waited();
        println!("of one customer: {of_one}: {} ms, {} ms", during.0, during.1);
        assert!(during.0 <= 200 && during.1 <= 3_000, "{of_one}: {during:?}");
    }
}

#[test]
fn poison_that_comes_while_nobody_else_writes_delays_who_was_served_before_by_one_probe() {
    let answered =
        [Class::Down, Class::Throttled, Class::Credentials, Class::Refused, Class::Gone].map(Poison::Answered);
    // What hangs: before it comes back, and at several moments after.
    let hanging = (0..8).map(|n| (Poison::Hangs, 15_000 + 3_500 * n));
    for (poison, after) in answered.map(|poison| (poison, 12_000)).into_iter().chain(hanging) {
        let mut world = World::new(1, 100, false, poison);
        world.poisoned_at = i64::MAX;
        world.lives(20_000);
        assert_eq!(world.known.served(), 1);
        // It is answered what it has written.
        world.is_silent = true;
        world.lives(1_000);
        world.poisoned_at = world.now + 5_000;
        world.lives(after);
        world.took.clear();
        world.writes(0);
        world.lives(5_000);
        let (_, longest) = world.waited();
        assert!(
            longest <= i64::try_from(limits::BREAKER_FRESH_MAX.as_millis()).unwrap() + 100,
            "{poison:?} after {after}: {longest}"
        );
    }
}

#[test]
fn who_writes_first_after_a_silence_does_not_wait_for_the_poison_of_others() {
    for class in [Class::Down, Class::Throttled, Class::Credentials, Class::Refused, Class::Gone] {
        let mut world = World::new(1, 100, true, Poison::Answered(class));
        world.sessions[0].honest = false;
        world.lives(20_000);
        // Now it is somebody who is served.
        world.sessions[0].honest = true;
        (world.sessions[0].delivery, world.sessions[0].busy) = (Delivery::default(), None);
        world.sessions[0].waiting.clear();
        world.writes(0);
        world.lives(5_000);
        let (_, longest) = world.waited();
        println!("{class:?}: {longest} ms");
        assert!(longest <= i64::try_from(limits::BREAKER_FRESH_MAX.as_millis()).unwrap() + 100, "{class:?}: {longest}");
    }
}

#[test]
fn a_portal_that_was_down_takes_everything_soon_after_with_poison_beside() {
    for poison in [Poison::Answered(Class::Down), Poison::Answered(Class::Refused)] {
        let mut world = World::new(50, 100, false, poison);
        world.lives(10_000);
        world.down = true;
        world.lives(60_000);
        let waiting = |world: &World| {
            let behind = world.now - 20_000;
            let late = |session: &&Session| session.honest && session.waiting.front().is_some_and(|at| *at < behind);
            world.sessions.iter().filter(late).count()
        };
        assert!(waiting(&world) > 40, "{poison:?}");
        world.down = false;
        world.lives(20_000);
        assert_eq!(waiting(&world), 0, "{poison:?}");
    }
}
