//! Clients: they join, read at their own pace, leave, and come back with the position they had.

use crate::{
    shell::AGAIN,
    store::View,
    world::{Event, Question, World},
};
use hubbub_core::{
    limits::{SWEEP_PATIENCE, WRITE_BYTES},
    live::{
        cursor::{Cursor, Pass, Step},
        item::Item,
    },
    model::{
        ids::UserId,
        seq::{Epoch, Seq},
    },
};
use std::sync::Arc;

/// What a client does next.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    /// It connects to some instance and asks to read.
    Join,
    /// It reads on.
    Turn,
}

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It has not.
    Open,
    /// The client, or its instance, went away.
    Parted,
    /// The reader was removed.
    Removed,
    /// The history it counted in is gone.
    Lost,
}

/// One subscription: what it was told, and what it was given.
pub struct Session {
    pub epoch: Epoch,
    pub start: Seq,
    pub admitted: Seq,
    pub got: Vec<Arc<Item>>,
    pub ending: Ending,
    /// It began where the feed ended, or later.
    pub fresh: bool,
    /// Pages it read from the store.
    pub pages: u64,
}

enum State {
    Away,
    Asking { instance: usize },
    Reading { instance: usize, cursor: Cursor, paging: bool, stirred: bool },
}

/// See the module.
pub struct Client {
    pub user: UserId,
    pub sessions: Vec<Session>,
    state: State,
    position: Option<(Epoch, Seq)>,
    ticket: u64,
}

impl Client {
    /// The client number `n`, away.
    pub fn new(n: usize) -> Self {
        let user = UserId::parse(&format!("user-{n}")).unwrap();
        Self { user, sessions: Vec::new(), state: State::Away, position: None, ticket: 0 }
    }

    /// Whether it is connected to `instance`.
    pub const fn is_at(&self, instance: usize) -> bool {
        match self.state {
            State::Away => false,
            State::Asking { instance: at } | State::Reading { instance: at, .. } => at == instance,
        }
    }

    /// Whether it reads at `instance`.
    pub const fn reads_at(&self, instance: usize) -> bool {
        matches!(self.state, State::Reading { instance: at, .. } if at == instance)
    }

    /// Where it stands, if it reads.
    pub const fn at(&self) -> Option<Seq> {
        match &self.state {
            State::Reading { cursor, .. } => Some(cursor.at()),
            State::Away | State::Asking { .. } => None,
        }
    }

    /// It is no longer connected.
    pub fn part(&mut self) {
        self.end(Ending::Parted);
    }

    fn end(&mut self, ending: Ending) {
        if let State::Reading { cursor, .. } = &self.state
            && let Some(session) = self.sessions.last_mut()
        {
            session.ending = ending;
            self.position = Some((session.epoch, cursor.at()));
        }
        self.state = State::Away;
        self.ticket += 1;
    }
}

impl World {
    /// Lets a client do `what` within `ms`.
    pub fn client_soon(&mut self, client: usize, ms: u64, what: Move) {
        let ms = self.chance.from(0, if self.healed() { ms.min(1) } else { ms });
        let ticket = self.clients[client].ticket;
        self.soon(ms, Event::Client { client, ticket, what });
    }

    /// Lets a reader read on, at its own pace.
    pub fn turn_soon(&mut self, client: usize) {
        if let State::Reading { paging: false, stirred: stirred @ false, .. } = &mut self.clients[client].state {
            *stirred = true;
            self.client_soon(client, self.weather.think, Move::Turn);
        }
    }

    /// A client does `what`.
    pub fn client(&mut self, client: usize, ticket: u64, what: Move) {
        if self.clients[client].ticket != ticket {
            return;
        }
        match what {
            Move::Join => self.join(client),
            Move::Turn => self.turn(client),
        }
    }

    fn join(&mut self, client: usize) {
        let instance = self.chance.index(self.instances.len());
        self.instances[instance].listen();
        self.clients[client].state = State::Asking { instance };
        let (ticket, life) = (self.clients[client].ticket, self.instances[instance].life);
        self.ask(Question::LookUp { client, ticket, life });
    }

    /// Membership and head, of one moment after the feed began to listen.
    pub fn looked_up(&mut self, client: usize, ticket: u64, life: u64, view: Option<View>) {
        let now = self.now();
        let State::Asking { instance } = self.clients[client].state else { return };
        if self.clients[client].ticket != ticket {
            return;
        }
        let Some(view) = view.filter(|_| self.instances[instance].life == life) else {
            return self.join(client);
        };
        if !view.member {
            self.clients[client].part();
            if !self.healed() {
                self.client_soon(client, 1_000, Move::Join);
            }
            return self.unheld(instance);
        }
        let old = self.chance.percent(20) && !self.weather.healthy;
        let asker = &mut self.clients[client];
        let wanted = match asker.position {
            Some((epoch, seq)) if old => Some((epoch, Seq::new(seq.get() / 2))),
            None if old => Some((view.epoch, Seq::ZERO)),
            position => position,
        };
        let start = match wanted {
            Some((epoch, seq)) if epoch == view.epoch && seq <= view.head && view.floor <= seq.next() => seq,
            _ => view.head,
        };
        let (epoch, admitted) = (view.epoch, view.head);
        let cursor = Cursor::new(asker.user.clone(), epoch, start, admitted);
        asker.sessions.push(Session {
            epoch,
            start,
            admitted,
            got: Vec::new(),
            ending: Ending::Open,
            fresh: false,
            pages: 0,
        });
        asker.state = State::Reading { instance, cursor, paging: false, stirred: false };
        let heard = self.instances[instance].listen().open(epoch, admitted, now);
        // A look-up answered sooner may have opened the feed with a later head.
        let fresh = self.instances[instance].listen().end() <= start;
        self.clients[client].sessions.last_mut().expect("a reader has a session").fresh = fresh;
        self.heard(instance, heard);
        self.turn_soon(client);
    }

    fn turn(&mut self, client: usize) {
        let reader = &mut self.clients[client];
        let State::Reading { instance, cursor, paging, stirred } = &mut reader.state else { return };
        *stirred = false;
        let at = &self.instances[*instance];
        let feed = at.feed.as_ref().expect("a feed that is read is held");
        match cursor.next(feed, WRITE_BYTES) {
            Step::Deliver(batch) => {
                assert!(!batch.is_empty(), "a step of nothing");
                let pass = self.pass(client, &batch);
                assert_ne!(pass, Pass::Gap, "the ring has a hole");
            }
            Step::Read(after) => {
                *paging = true;
                reader.sessions.last_mut().expect("a reader has a session").pages += 1;
                let (ticket, life, known) = (reader.ticket, at.life, at.known());
                self.ask(Question::Page { client, ticket, life, known, after });
            }
            Step::Wait => {}
            Step::Lost => self.leave_as(client, Ending::Lost),
        }
    }

    /// Gives a reader entries until one is its last or one is missing.
    fn pass(&mut self, client: usize, batch: &[Arc<Item>]) -> Pass {
        let reader = &mut self.clients[client];
        let State::Reading { cursor, .. } = &mut reader.state else { return Pass::Skip };
        let session = reader.sessions.last_mut().expect("a reader has a session");
        for item in batch {
            match cursor.pass(item) {
                Pass::Deliver => session.got.push(Arc::clone(item)),
                Pass::Skip => {}
                Pass::Last => {
                    session.got.push(Arc::clone(item));
                    self.leave_as(client, Ending::Removed);
                    return Pass::Last;
                }
                Pass::Gap => return Pass::Gap,
            }
        }
        self.turn_soon(client);
        Pass::Deliver
    }

    /// A page of the log arrives.
    pub fn paged(&mut self, client: usize, ticket: u64, life: u64, known: Seq, view: Option<View>) {
        let now = self.now();
        let reader = &mut self.clients[client];
        let State::Reading { instance, cursor, paging, stirred } = &mut reader.state else { return };
        if reader.ticket != ticket {
            return;
        }
        let instance = *instance;
        *paging = false;
        let at = &mut self.instances[instance];
        let Some(view) = view else {
            *stirred = true;
            return self.client_soon(client, AGAIN.as_millis() as u64, Move::Turn);
        };
        let usable = if self.weather.floor_first {
            cursor.can_read(view.epoch, view.floor)
        } else {
            // The floor shows as a gap, or as nothing at all where all that came next is gone.
            cursor.can_read(view.epoch, Seq::ZERO) && (view.head <= cursor.at() || !view.page.is_empty())
        };
        // What readers have seen of the log, their feed knows too: it notices when that is lost.
        if let Some(feed) = at.feed.as_mut().filter(|_| at.life == life) {
            let heard = feed.head(view.epoch, view.head, known, SWEEP_PATIENCE, now);
            self.heard(instance, heard);
        }
        if !usable || self.pass(client, &view.page) == Pass::Gap {
            self.leave_as(client, Ending::Lost);
        }
    }

    /// A client closes its connection, and comes back after a while.
    pub fn leave(&mut self, client: usize) {
        if !matches!(self.clients[client].state, State::Away) {
            self.leave_as(client, Ending::Parted);
        }
    }

    /// All faults end: nobody stays away or dawdles any longer.
    pub fn heal(&mut self) {
        for client in 0..self.clients.len() {
            let one = &mut self.clients[client];
            match &mut one.state {
                // A look-up on its way may have seen the time before an admission.
                State::Away | State::Asking { .. } => {
                    one.ticket += 1;
                    self.client_soon(client, 0, Move::Join);
                }
                State::Reading { stirred, .. } => {
                    *stirred = false;
                    self.turn_soon(client);
                }
            }
        }
    }

    fn leave_as(&mut self, client: usize, ending: Ending) {
        let (State::Asking { instance } | State::Reading { instance, .. }) = self.clients[client].state else { return };
        self.clients[client].end(ending);
        let away = self.chance.one(&[10, 500, 5_000]).min(self.weather.heals);
        self.client_soon(client, away, Move::Join);
        self.unheld(instance);
    }

    /// A feed that nobody reads may be dropped.
    fn unheld(&mut self, instance: usize) {
        if !self.clients.iter().any(|client| client.is_at(instance)) && self.chance.percent(50) {
            self.instances[instance].replace(None);
        }
    }
}
