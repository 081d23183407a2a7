//! What surrounds a feed on an instance: the duties that the core leaves to others.

use crate::{
    client::Move,
    store::{History, View},
    world::{Event, Question, World},
};
use hubbub_core::{
    limits::{REORDER, RING_BYTES, SWEEP_EVERY},
    live::{
        feed::{Feed, Heard},
        item::Item,
    },
    model::seq::{Epoch, Seq},
};
use std::{sync::Arc, time::Duration};

/// After a failed read the next one waits this long.
pub const AGAIN: Duration = Duration::from_millis(100);

/// One instance.
#[derive(Default)]
pub struct Instance {
    /// Its feed of the room, while somebody reads it here.
    pub feed: Option<Feed>,
    /// Counts its feeds: answers to one are not given to the next.
    pub life: u64,
    /// Until when it hears nothing.
    pub cut_until: u64,
    checking: bool,
    sweeping: bool,
}

impl Instance {
    /// The feed, which listens from now on if it did not.
    pub fn listen(&mut self) -> &mut Feed {
        self.feed.get_or_insert_default()
    }

    /// What its feed knows to exist.
    pub fn known(&self) -> Seq {
        self.feed.as_ref().map_or(Seq::ZERO, Feed::known)
    }

    /// Whether it has heard of entries that `log` has lost.
    pub fn knows_beyond(&self, log: &History) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.epoch() == Some(log.epoch) && feed.known() > log.head())
    }

    /// Ends the feed's life; the next begins with `feed`.
    pub fn replace(&mut self, feed: Option<Feed>) {
        self.feed = feed;
        self.life += 1;
        self.checking = false;
    }
}

impl World {
    /// A wake arrives, from the bus or from the instance's own commit.
    pub fn wake(&mut self, instance: usize, epoch: Epoch, seq: Seq, item: Option<Arc<Item>>) {
        let now = self.now();
        let Some(feed) = &mut self.instances[instance].feed else { return };
        let heard = match item {
            Some(item) => feed.wake(epoch, item, now),
            None => feed.head(epoch, seq, Seq::ZERO, REORDER, now),
        };
        self.heard(instance, heard);
    }

    /// Compares the head with the store's, one question at a time.
    pub fn sweep(&mut self, instance: usize) {
        self.soon(SWEEP_EVERY.as_millis() as u64, Event::Sweep { instance });
        let at = &mut self.instances[instance];
        if !at.sweeping && at.feed.as_ref().is_some_and(|feed| feed.epoch().is_some()) {
            at.sweeping = true;
            let known = at.known();
            self.ask(Question::Sweep { instance, known });
        }
    }

    /// The sweep's answer. It may have been asked for an earlier feed: then it is at worst a false alarm.
    pub fn swept(&mut self, instance: usize, known: Seq, view: Option<View>) {
        self.instances[instance].sweeping = false;
        let (now, patience) = (self.now(), self.weather.patience);
        if let (Some(view), Some(feed)) = (view, &mut self.instances[instance].feed) {
            let heard = feed.head(view.epoch, view.head, known, patience, now);
            self.heard(instance, heard);
        }
    }

    /// Begins the read that is due.
    pub fn due(&mut self, instance: usize) {
        let now = self.now();
        let at = &mut self.instances[instance];
        let life = at.life;
        if let Some(after) = at.feed.as_mut().and_then(|feed| feed.begin_read(now)) {
            self.reads += 1;
            self.ask(Question::Fill { instance, life, after });
        }
    }

    /// The read's answer.
    pub fn filled(&mut self, instance: usize, life: u64, view: Option<View>) {
        let now = self.now();
        let at = &mut self.instances[instance];
        if at.life != life {
            return;
        }
        let Some(feed) = &mut at.feed else { return };
        let heard = match view {
            Some(view) => feed.filled(view.epoch, view.page, view.head, now),
            None => {
                feed.read_failed(now + AGAIN);
                Heard::Missing
            }
        };
        self.heard(instance, heard);
    }

    /// Does what the feed asks for.
    pub fn heard(&mut self, instance: usize, heard: Heard) {
        let at = &mut self.instances[instance];
        let Some(feed) = &at.feed else { return };
        let one = feed.after(feed.end().before()).and_then(|mut newest| newest.next().map(|item| item.weight()));
        assert!(feed.bytes() <= RING_BYTES.max(one.unwrap_or(0)), "the ring weighs {} bytes", feed.bytes());
        if let Some(due) = feed.due() {
            self.when(due, Event::Due { instance });
        }
        match heard {
            Heard::Grew => self.stir(instance),
            Heard::OtherEpoch | Heard::WentBack => self.check(instance),
            Heard::Missing | Heard::Nothing => {}
        }
    }

    fn check(&mut self, instance: usize) {
        let at = &mut self.instances[instance];
        if !at.checking {
            at.checking = true;
            let (life, known) = (at.life, at.known());
            self.ask(Question::Check { instance, life, known });
        }
    }

    /// The store has said which epoch holds. A failed answer is not asked for again: the sweep will.
    pub fn checked(&mut self, instance: usize, life: u64, known: Seq, view: Option<View>) {
        let now = self.now();
        let at = &mut self.instances[instance];
        if at.life != life {
            return;
        }
        at.checking = false;
        let (Some(view), Some(feed)) = (view, &at.feed) else { return };
        if feed.epoch() != Some(view.epoch) {
            at.replace(Some(Feed::new()));
            if self.weather.reopen {
                let heard = self.instances[instance].listen().open(view.epoch, view.head, now);
                self.heard(instance, heard);
            }
            self.stir(instance);
        } else if view.head < known {
            self.store.bump(view.epoch);
            self.check(instance);
        }
    }

    /// Wakes the readers of an instance.
    fn stir(&mut self, instance: usize) {
        for client in 0..self.clients.len() {
            if self.clients[client].reads_at(instance) {
                self.turn_soon(client);
            }
        }
    }

    /// An instance dies: its clients look for another.
    pub fn crash(&mut self, instance: usize) {
        self.instances[instance].replace(None);
        for client in 0..self.clients.len() {
            if self.clients[client].is_at(instance) {
                self.clients[client].part();
                self.client_soon(client, 200, Move::Join);
            }
        }
    }
}
