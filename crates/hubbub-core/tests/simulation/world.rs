//! Instances, clients and a bus around one store, in simulated milliseconds.

use crate::{
    chance::Chance,
    client::{Client, Move},
    shell::Instance,
    store::{Store, View},
    weather::{Act, Weather},
};
use hubbub_core::{
    limits::CATCH_UP_PAGE,
    live::item::Item,
    model::{
        ids::UserId,
        seq::{Epoch, Seq},
    },
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// What happens at a moment.
pub enum Event {
    /// Something happens by itself.
    Act(Act),
    /// The bus brings an instance a wake; without its item, only the number.
    Wake { instance: usize, epoch: Epoch, seq: Seq, item: Option<Arc<Item>> },
    /// An instance is to compare its heads.
    Sweep { instance: usize },
    /// A feed may want to read.
    Due { instance: usize },
    /// A client does something, unless its ticket has changed.
    Client { client: usize, ticket: u64, what: Move },
    /// The store sees a question.
    Seen(Question),
    /// The answer arrives; `None`: it failed.
    Answered(Question, Option<View>),
}

/// A question to the store. `life` is the feed it is asked for, `known` what that feed knew when it was asked.
pub enum Question {
    /// The sweep's: where the log ends.
    Sweep { instance: usize, known: Seq },
    /// A feed's read.
    Fill { instance: usize, life: u64, after: Seq },
    /// Which epoch holds, after a feed heard something strange.
    Check { instance: usize, life: u64, known: Seq },
    /// A reader's page.
    Page { client: usize, ticket: u64, life: u64, known: Seq, after: Seq },
    /// Whether a client may read, and from where.
    LookUp { client: usize, ticket: u64, life: u64 },
}

/// See the module.
pub struct World {
    pub chance: Chance,
    pub weather: Weather,
    pub store: Store,
    pub instances: Vec<Instance>,
    pub clients: Vec<Client>,
    /// Log reads of feeds.
    pub reads: u64,
    ms: u64,
    base: Instant,
    events: BTreeMap<(u64, u64), Event>,
}

impl World {
    /// A world before its first moment.
    pub fn new(mut chance: Chance, weather: Weather) -> Self {
        let mut world = Self {
            store: Store::new(),
            instances: (0..weather.instances).map(|_| Instance::default()).collect(),
            clients: (0..weather.clients).map(Client::new).collect(),
            reads: 0,
            ms: 0,
            base: Instant::now(),
            events: BTreeMap::new(),
            chance: Chance::new(chance.any()),
            weather,
        };
        let somebody = UserId::parse("somebody").unwrap();
        for _ in 0..world.chance.one(&[0, 1, 20, 300]) {
            let what = world.store.message(0);
            world.store.append(&somebody, what);
        }
        for (at, act) in world.weather.acts.clone() {
            world.at(at, Event::Act(act));
        }
        for instance in 0..world.weather.instances {
            let at = world.chance.from(0, 999);
            world.at(at, Event::Sweep { instance });
        }
        for client in 0..world.weather.clients {
            let at = chance.from(0, world.weather.heals * 2 / 3);
            world.at(at, Event::Client { client, ticket: 0, what: Move::Join });
        }
        world
    }

    /// Lets everything happen up to `end`.
    pub fn run_until(&mut self, end: u64) {
        let mut events = 0;
        while let Some(next) = self.events.first_entry().filter(|next| next.key().0 <= end) {
            self.ms = next.key().0;
            let event = next.remove();
            self.happen(event);
            self.operator();
            events += 1;
            assert!(events < 500_000, "it never comes to rest");
        }
        self.ms = end;
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.base + Duration::from_millis(self.ms)
    }

    /// Whether all faults have ended.
    pub const fn healed(&self) -> bool {
        self.ms >= self.weather.heals
    }

    /// Lets `event` happen `ms` from now.
    pub fn soon(&mut self, ms: u64, event: Event) {
        self.at(self.ms + ms, event);
    }

    /// Lets `event` happen when it is `instant`.
    pub fn when(&mut self, instant: Instant, event: Event) {
        let ms = instant.saturating_duration_since(self.base).as_millis() as u64;
        self.at(ms.max(self.ms), event);
    }

    /// Events of one moment happen in any order.
    fn at(&mut self, ms: u64, event: Event) {
        let tie = self.chance.any();
        self.events.insert((ms, tie), event);
    }

    /// How long the store takes at most to see a question, and again to answer it.
    pub fn slowest(&self) -> u64 {
        if self.healed() { self.weather.answer.min(20) } else { self.weather.answer }
    }

    /// Asks the store: it sees the question later, and what it saw arrives later still.
    pub fn ask(&mut self, question: Question) {
        let slowest = self.slowest();
        let ms = self.chance.from(0, slowest);
        self.soon(ms, Event::Seen(question));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act(act) => self.act(act),
            Event::Wake { instance, epoch, seq, item } => self.wake(instance, epoch, seq, item),
            Event::Sweep { instance } => self.sweep(instance),
            Event::Due { instance } => self.due(instance),
            Event::Client { client, ticket, what } => self.client(client, ticket, what),
            Event::Seen(question) => {
                let failing = if self.healed() { 0 } else { self.weather.failing };
                let view = (!self.chance.percent(failing)).then(|| self.see(&question));
                let slowest = self.slowest();
                let ms = self.chance.from(0, slowest);
                self.soon(ms, Event::Answered(question, view));
            }
            Event::Answered(question, view) => match question {
                Question::Sweep { instance, known } => self.swept(instance, known, view),
                Question::Fill { instance, life, .. } => self.filled(instance, life, view),
                Question::Check { instance, life, known } => self.checked(instance, life, known, view),
                Question::Page { client, ticket, life, known, .. } => self.paged(client, ticket, life, known, view),
                Question::LookUp { client, ticket, life } => self.looked_up(client, ticket, life, view),
            },
        }
    }

    fn see(&self, question: &Question) -> View {
        match question {
            Question::Sweep { .. } | Question::Check { .. } => self.store.view(None, None),
            Question::Fill { after, .. } => self.store.view(Some(*after), None),
            Question::Page { after, .. } => {
                let aligned = after.get() - after.get() % CATCH_UP_PAGE as u64;
                let after = if self.weather.aligned { Seq::new(aligned) } else { *after };
                self.store.view(Some(after), None)
            }
            Question::LookUp { client, .. } => self.store.view(None, Some(&self.clients[*client].user)),
        }
    }

    fn act(&mut self, act: Act) {
        // A store that has gone back unnoticed takes nothing: see there.
        let writable = !self.store.unnoticed;
        match act {
            Act::Say { instance, count } if writable => {
                for _ in 0..count {
                    let what = self.store.message(self.weather.padding);
                    let from = self.clients[0].user.clone();
                    let item = self.store.append(&from, what);
                    self.publish(instance, item);
                }
            }
            Act::Remove { client, banned } if writable => {
                let user = self.clients[client].user.clone();
                let item = self.store.append(&user, Store::removed(&user, banned));
                self.publish(client, item);
            }
            Act::Admit { client } if writable => {
                let user = self.clients[client].user.clone();
                let item = self.store.append(&user, Store::joined(&user));
                self.publish(0, item);
            }
            Act::Say { .. } | Act::Remove { .. } | Act::Admit { .. } => {}
            Act::Leave { client } => self.leave(client),
            Act::Crash { instance } => self.crash(instance),
            Act::Cut { instance, ms } => self.instances[instance].cut_until = self.ms + ms,
            Act::GoBack { entries, noticed } => {
                let left = self.store.now().log.len().saturating_sub(entries);
                self.store.go_back(left, noticed);
            }
            Act::Keep { entries } => {
                let head = self.store.now().head().get();
                self.store.keep_after(Seq::new(head.saturating_sub(entries)));
            }
            Act::Trim { instance, bytes } => {
                if let Some(feed) = &mut self.instances[instance].feed {
                    feed.trim(bytes);
                }
            }
        }
    }

    /// The committing instance tells its own feed by the same call, and everybody over the bus.
    fn publish(&mut self, committer: usize, item: Arc<Item>) {
        let committer = committer % self.weather.committers;
        let (epoch, seq) = (self.store.now().epoch, item.seq);
        self.wake(committer, epoch, seq, Some(Arc::clone(&item)));
        for instance in 0..self.instances.len() {
            if self.instances[instance].cut_until > self.ms && !self.healed() {
                continue;
            }
            let copies = if self.chance.percent(self.weather.doubled) { 2 } else { 1 };
            for _ in 0..copies {
                if self.chance.percent(self.weather.lost) {
                    continue;
                }
                let mut ms = self.weather.latency + self.chance.from(0, self.weather.jitter);
                if self.chance.percent(self.weather.stray) {
                    ms += self.chance.from(0, 4_000);
                }
                let item = (!self.chance.percent(self.weather.bare)).then(|| Arc::clone(&item));
                self.soon(ms, Event::Wake { instance, epoch, seq, item });
            }
        }
    }

    /// Bumps the epoch after a restore that no feed can notice: none has heard of what is lost.
    fn operator(&mut self) {
        if self.store.unnoticed && !self.instances.iter().any(|i| i.knows_beyond(self.store.now())) {
            self.store.bump(self.store.now().epoch);
        }
    }
}
