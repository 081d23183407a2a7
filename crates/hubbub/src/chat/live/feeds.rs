//! The feeds of all rooms that have a reader on this instance: the shell around [`hubbub_core::live::feed::Feed`].
//!
//! A feed's lock is held for moments and never across an await; waking a reader names a slot in its inbox and never waits
//! for it.

use super::{
    blanks::Blanks,
    heads::Heads,
    inbox::Inbox,
    mend,
    pages::Pages,
    readers::Watcher,
    room::{Listening, Live, State},
    shards::Shards,
};
use crate::{
    metrics::Metrics,
    store::{Head, Store},
};
use hubbub_core::{
    limits,
    live::{
        feed::{Feed, Heard},
        presence::Present,
        signal::{self, RoomSignal, Saying},
    },
    log::encoded::EncodedEntry,
    model::{
        ids::RoomId,
        json::Json,
        seq::{Epoch, Seq},
    },
    wire::push,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// See the module.
pub struct Feeds {
    rooms: Mutex<HashMap<RoomId, Arc<Live>>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) heads: Heads,
    pub(crate) pages: Pages,
    /// What was blanked a moment ago.
    pub(crate) blanks: Blanks,
    pub(crate) metrics: Arc<Metrics>,
    ring_bytes: AtomicUsize,
    pub(crate) shards: Shards,
}

impl Feeds {
    /// No feeds yet. Must be called within a runtime.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, turns: Arc<Semaphore>, shards: Shards) -> Self {
        let pages = Pages::new(store.clone(), metrics.clone(), turns);
        let heads = Heads::start(store.clone());
        Self {
            rooms: Mutex::default(),
            store,
            heads,
            pages,
            blanks: Blanks::default(),
            metrics,
            ring_bytes: AtomicUsize::new(0),
            shards,
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<Live>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, room: &RoomId) -> Option<Arc<Live>> {
        self.rooms().get(room).cloned()
    }

    /// Every feed.
    pub fn all(&self) -> Vec<Arc<Live>> {
        self.rooms().values().cloned().collect()
    }

    /// Listens to a room from now on, for one reader: what is announced after this call is not missed.
    pub fn listen(self: &Arc<Self>, room: &RoomId, inbox: &Arc<Inbox>, slot: u32, watches: bool) -> Listening {
        let mut rooms = self.rooms();
        let live = rooms.entry(room.clone()).or_insert_with(|| {
            self.metrics.feeds.inc();
            Arc::new(Live::new(room.clone()))
        });
        let reader = live.readers().enter(inbox, slot, watches);
        self.metrics.subscriptions.inc();
        Listening { feeds: self.clone(), live: live.clone(), reader }
    }

    /// The connections that follow a room here.
    pub fn present(&self, room: &RoomId) -> Vec<Arc<Present>> {
        self.of(room).map_or_else(Vec::new, |live| live.readers().present())
    }

    /// Those of them that are told who comes and goes.
    pub fn watchers(&self, room: &RoomId) -> Vec<Watcher> {
        self.of(room).map_or_else(Vec::new, |live| live.readers().watchers())
    }

    /// A wake with its entry.
    pub fn hear_entry(self: &Arc<Self>, epoch: Epoch, entry: &EncodedEntry) {
        self.hear_blanked(&entry.room, entry.effects.blanked());
        if let Some(live) = self.of(&entry.room) {
            let item = push::item(entry);
            self.tell(&live, |feed, now| feed.wake(epoch, item, now));
        }
    }

    /// Somebody says something that is kept nowhere. Whether a reader still stands, each of them sees by what it has read.
    pub fn hear_signal(&self, saying: &Saying, body: &Json) {
        let Some(live) = self.of(&saying.room) else { return };
        let (now, hearers) = (Instant::now(), live.readers().hearers());
        let mut state = live.state();
        let passes = saying.lasts.is_some();
        let per_second = signal::per_second(hearers);
        if hearers == 0
            || state.feed.epoch() != Some(saying.epoch)
            || (passes && state.signals.take(per_second, now).is_err())
            || (passes && state.feed.has_heard_from(&saying.from, saying.at))
        {
            self.metrics.signals_dropped.inc();
            return;
        }
        let push = push::signal(&saying.room, body);
        let until = saying.lasts.map(|lasts| now + lasts);
        let heard_to = state.feed.end().max(saying.at);
        drop(state);
        let signal = Arc::new(RoomSignal { saying: saying.clone(), heard_to, until, push });
        live.readers().signal(&signal);
        self.metrics.signals.inc();
    }

    /// The content of these entries was blanked. What rings hold of them they blank themselves, when they take in the entry that
    /// says so.
    pub(crate) fn hear_blanked(&self, room: &RoomId, seqs: &[Seq]) {
        if !seqs.is_empty() {
            self.pages.blank(room, seqs);
            self.blanks.hear(room, seqs);
        }
    }

    /// Entries of this room were passed over: nobody knows what they have blanked.
    pub(crate) fn passed_over(&self, room: &RoomId) {
        self.pages.forget(room);
        self.blanks.hear(room, &[]);
    }

    /// An entry up to `by` has blanked others, and this instance cannot say which: what it has of them is given to nobody.
    pub fn hear_of_deletion(self: &Arc<Self>, room: &RoomId, epoch: Epoch, by: Seq) {
        self.passed_over(room);
        if let Some(live) = self.of(room) {
            self.tell(&live, |feed, now| {
                feed.expect_blanking(by, by);
                feed.head(epoch, by, Seq::ZERO, limits::REORDER, now)
            });
        }
    }

    /// A message was deleted a while ago, and it is not known by which entry: the ring holds nothing of before any more.
    pub fn hear_of_gone(self: &Arc<Self>, room: &RoomId) {
        self.passed_over(room);
        if let Some(live) = self.of(room) {
            let mut state = live.state();
            state.feed.trim(0);
            self.count_ring(&mut state);
        }
    }

    /// The room was deleted: nobody is given any more of it, and its readers are told.
    pub fn hear_of_deleted_room(&self, room: &RoomId) {
        self.passed_over(room);
        if let Some(live) = self.of(room) {
            let mut state = live.state();
            state.deleted = true;
            state.feed.trim(0);
            self.count_ring(&mut state);
            drop(state);
            live.readers().wake(&self.shards);
        }
    }

    /// A wake without its entry.
    pub fn hear_head(self: &Arc<Self>, room: &RoomId, epoch: Epoch, seq: Seq) {
        if let Some(live) = self.of(room) {
            self.tell(&live, |feed, now| feed.head(epoch, seq, Seq::ZERO, limits::REORDER, now));
        }
    }

    /// A head that the sweep read; `asked` is what the feed knew to exist when it asked.
    pub fn hear_swept(self: &Arc<Self>, live: &Arc<Live>, head: Head, asked: Seq, patience: Duration) {
        self.tell(live, |feed, now| feed.head(head.epoch, head.seq, asked, patience, now));
    }

    /// The store does not know this room any more.
    pub fn doubt(self: &Arc<Self>, live: &Arc<Live>) {
        self.tell(live, |_, _| Heard::WentBack);
    }

    /// Tells a feed something, and does what follows from it.
    pub(crate) fn tell(self: &Arc<Self>, live: &Arc<Live>, say: impl FnOnce(&mut Feed, Instant) -> Heard) {
        let now = Instant::now();
        let mut state = live.state();
        if state.forgotten {
            return;
        }
        let heard = say(&mut state.feed, now);
        match heard {
            Heard::Nothing => return,
            Heard::Grew | Heard::Missing => {}
            Heard::OtherEpoch | Heard::WentBack => state.doubted = true,
        }
        self.count_ring(&mut state);
        let mends = !state.mending && (state.doubted || state.feed.due().is_some());
        state.mending |= mends;
        drop(state);
        if heard == Heard::Grew {
            live.readers().wake(&self.shards);
        }
        if mends {
            tokio::spawn(mend::mend(self.clone(), live.clone()));
        }
    }

    /// Keeps the rings of all feeds within their budget: while it is exceeded, each feed that grows gives up what is older
    /// than a share of it.
    pub(crate) fn count_ring(&self, state: &mut State) {
        let before = state.counted_bytes;
        let total = self.ring_bytes.load(Ordering::Relaxed) + state.feed.bytes() - before.min(state.feed.bytes());
        if total > limits::RINGS_BYTES {
            let feeds = usize::try_from(self.metrics.feeds.get()).unwrap_or(1).max(1);
            state.feed.trim(limits::RINGS_BYTES / feeds / 2);
        }
        let after = state.feed.bytes();
        state.counted_bytes = after;
        self.ring_bytes.fetch_add(after, Ordering::Relaxed);
        self.ring_bytes.fetch_sub(before, Ordering::Relaxed);
        self.metrics.ring_bytes.set(self.ring_bytes.load(Ordering::Relaxed) as i64);
    }

    pub(super) fn forget(&self, live: &Live, reader: usize) {
        let mut rooms = self.rooms();
        let mut readers = live.readers();
        readers.leave(reader);
        self.metrics.subscriptions.dec();
        if readers.is_empty() {
            drop(readers);
            let mut state = live.state();
            // A room without readers holds no ring.
            state.feed.trim(0);
            self.count_ring(&mut state);
            state.forgotten = true;
            rooms.remove(&live.room);
            // What is blanked there is heard of by its wake alone from now on.
            self.pages.leave(&live.room);
            self.metrics.feeds.dec();
        }
    }
}

#[cfg(test)]
mod tests;
