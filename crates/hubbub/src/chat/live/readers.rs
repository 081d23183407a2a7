//! Who reads a room here.

use super::{
    inbox::{Inbox, Woken},
    shards::Shards,
};
use hubbub_core::live::{presence::Present, signal::RoomSignal};
use slab::Slab;
use std::sync::Arc;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Readers {
    all: Slab<Reader>,
    /// So many of them stand and are told signals.
    hearers: usize,
}

#[derive(Debug)]
struct Reader {
    inbox: Arc<Inbox>,
    slot: u32,
    /// The slot is in the inbox already.
    woken: bool,
    /// The reader was let in: before, it only listens so that nothing is missed.
    stands: bool,
    /// Joins and leaves are to be told, too.
    watches: bool,
    /// Signals are to be told, too.
    hears_signals: bool,
}

impl Reader {
    const fn is_hearer(&self) -> bool {
        self.stands && self.hears_signals
    }
}

/// A reader who is told who comes and goes.
pub struct Watcher {
    /// Who that is.
    pub present: Arc<Present>,
    /// Where it is told.
    pub inbox: Arc<Inbox>,
    /// The connection's number of the subscription.
    pub slot: u32,
}

impl Readers {
    /// Somebody listens. Returns the place.
    pub fn enter(&mut self, inbox: &Arc<Inbox>, slot: u32, watches: bool) -> usize {
        let hears_signals = inbox.hears_signals();
        let inbox = inbox.clone();
        self.all.insert(Reader { inbox, slot, woken: false, stands: false, watches, hears_signals })
    }

    /// Gives a place up.
    pub fn leave(&mut self, place: usize) {
        if let Some(reader) = self.all.try_remove(place) {
            self.hearers -= usize::from(reader.is_hearer());
        }
        if self.all.len() < self.all.capacity() / 4 {
            self.all.shrink_to_fit();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub const fn hearers(&self) -> usize {
        self.hearers
    }

    /// The reader looks: it is to be woken again.
    pub fn looks(&mut self, place: usize) {
        if let Some(reader) = self.all.get_mut(place) {
            reader.woken = false;
        }
    }

    /// The reader is let in.
    pub fn lets_in(&mut self, place: usize) {
        if let Some(reader) = self.all.get_mut(place).filter(|reader| !reader.stands) {
            reader.stands = true;
            self.hearers += usize::from(reader.is_hearer());
        }
    }

    /// There is something new for all of them.
    pub fn wake(&mut self, shards: &Shards) {
        for (_, reader) in self.all.iter_mut().filter(|(_, reader)| !reader.woken) {
            match reader.inbox.wake(reader.slot) {
                Woken::Task => reader.woken = true,
                Woken::Shard(Some(shard)) => shards.tell(shard, reader.inbox.clone()),
                Woken::Shard(None) => {}
            }
        }
    }

    pub fn signal(&self, signal: &Arc<RoomSignal>) {
        for (_, reader) in self.all.iter().filter(|(_, reader)| reader.is_hearer()) {
            reader.inbox.signal(reader.slot, signal.clone());
        }
    }

    /// The connections of those who were let in.
    pub fn present(&self) -> Vec<Arc<Present>> {
        let standing = self.all.iter().filter(|(_, reader)| reader.stands);
        standing.filter_map(|(_, reader)| reader.inbox.whose()).collect()
    }

    /// Those of them that are told who comes and goes.
    pub fn watchers(&self) -> Vec<Watcher> {
        let watcher = |(_, reader): (usize, &Reader)| {
            let (inbox, slot) = (reader.inbox.clone(), reader.slot);
            inbox.whose().map(|present| Watcher { present, inbox, slot })
        };
        let standing = self.all.iter().filter(|(_, reader)| reader.stands && reader.watches);
        standing.filter_map(watcher).collect()
    }
}
