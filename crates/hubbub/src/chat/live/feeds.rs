//! The feeds of all rooms that have a reader on this instance: the shell around [`hubbub_core::live::feed::Feed`].
//!
//! A feed's lock is held for moments and never across an await; waking a reader names a slot in its inbox and never waits
//! for it.

use super::{blanks::Blanks, heads::Heads, inbox::Inbox, mend, pages::Pages};
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
        ids::{RoomId, UserId},
        json::Json,
        rate::Rate,
        seq::{Epoch, Seq},
    },
    wire::push,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
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
}

/// One room's feed with its readers.
#[derive(Debug)]
pub struct Live {
    /// The room.
    pub room: RoomId,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) feed: Feed,
    readers: HashMap<u64, Reader>,
    /// So many of them stand and are told signals.
    hearers: usize,
    /// A task is closing a gap or asking the store which epoch holds.
    pub(crate) mending: bool,
    /// The store is to be asked which epoch holds.
    pub(crate) doubted: bool,
    counted_bytes: usize,
    /// How many signals that pass by themselves have been told lately.
    signals: Rate,
    /// The room was deleted.
    pub(crate) deleted: bool,
    /// The last reader has gone: whatever is still on its way to this feed is for nobody.
    pub(crate) forgotten: bool,
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

static READERS: AtomicU64 = AtomicU64::new(1);

impl Feeds {
    /// No feeds yet. Must be called within a runtime.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, turns: Arc<Semaphore>) -> Self {
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
        let reader = READERS.fetch_add(1, Ordering::Relaxed);
        let hears_signals = inbox.hears_signals();
        let inbox = inbox.clone();
        live.state()
            .readers
            .insert(reader, Reader { inbox, slot, woken: false, stands: false, watches, hears_signals });
        self.metrics.subscriptions.inc();
        Listening { feeds: self.clone(), live: live.clone(), reader }
    }

    /// The connections that follow a room here.
    pub fn present(&self, room: &RoomId) -> Vec<Arc<Present>> {
        let Some(live) = self.of(room) else { return Vec::new() };
        let state = live.state();
        let standing = state.readers.values().filter(|reader| reader.stands);
        standing.filter_map(|reader| reader.inbox.whose()).collect()
    }

    /// Those of them that are told who comes and goes.
    pub fn watchers(&self, room: &RoomId) -> Vec<Watcher> {
        let Some(live) = self.of(room) else { return Vec::new() };
        let state = live.state();
        let watcher = |reader: &Reader| {
            let (inbox, slot) = (reader.inbox.clone(), reader.slot);
            inbox.whose().map(|present| Watcher { present, inbox, slot })
        };
        let standing = state.readers.values().filter(|reader| reader.stands && reader.watches);
        standing.filter_map(watcher).collect()
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
        let now = Instant::now();
        let mut state = live.state();
        let passes = saying.lasts.is_some();
        let per_second = signal::per_second(state.hearers);
        if state.hearers == 0
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
        let signal = Arc::new(RoomSignal { saying: saying.clone(), heard_to, until, push });
        for reader in state.readers.values().filter(|reader| reader.is_hearer()) {
            reader.inbox.signal(reader.slot, signal.clone());
        }
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
            state.wake_readers();
            self.count_ring(&mut state);
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
        match say(&mut state.feed, now) {
            Heard::Nothing => return,
            Heard::Grew => state.wake_readers(),
            Heard::Missing => {}
            Heard::OtherEpoch | Heard::WentBack => state.doubted = true,
        }
        self.count_ring(&mut state);
        if !state.mending && (state.doubted || state.feed.due().is_some()) {
            state.mending = true;
            drop(state);
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

    fn forget(&self, live: &Live, reader: u64) {
        let mut rooms = self.rooms();
        let mut state = live.state();
        let was_hearer = state.readers.remove(&reader).is_some_and(|reader| reader.is_hearer());
        state.hearers -= usize::from(was_hearer);
        self.metrics.subscriptions.dec();
        if state.readers.is_empty() {
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

impl Live {
    fn new(room: RoomId) -> Self {
        let state = State {
            feed: Feed::new(),
            readers: HashMap::new(),
            hearers: 0,
            mending: false,
            doubted: false,
            counted_bytes: 0,
            signals: Rate::default(),
            deleted: false,
            forgotten: false,
        };
        Self { room, state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the room was deleted.
    pub fn is_deleted(&self) -> bool {
        self.state().deleted
    }

    /// How far the feed reaches, and the furthest entry it knows to exist; once it is open.
    pub fn reach(&self) -> Option<(Seq, Seq)> {
        let state = self.state();
        state.feed.epoch().map(|_| (state.feed.end(), state.feed.known()))
    }
}

impl State {
    pub(crate) fn wake_readers(&mut self) {
        for reader in self.readers.values_mut().filter(|reader| !reader.woken) {
            reader.woken = true;
            reader.inbox.wake(reader.slot);
        }
    }
}

/// A reader's place among those of a room; given up when dropped.
pub struct Listening {
    feeds: Arc<Feeds>,
    /// The room's feed.
    pub live: Arc<Live>,
    reader: u64,
}

impl Listening {
    /// Looks at the feed, and asks to be woken when it grows beyond what is seen now.
    pub fn look<T>(&self, at: impl FnOnce(&Feed) -> T) -> T {
        let mut state = self.live.state();
        if let Some(reader) = state.readers.get_mut(&self.reader) {
            reader.woken = false;
        }
        at(&state.feed)
    }

    /// Whether somebody has written a message after `after`, up to where this reader is; what cannot be told may be one.
    pub fn has_heard_from(&self, user: &UserId, after: Seq, at: Seq) -> bool {
        let state = self.live.state();
        state.feed.end() < at || state.feed.has_heard_from(user, after)
    }

    /// The reader is let in. Tells the feed a head that was looked up after it began to listen.
    pub fn open(&self, epoch: Epoch, head: Seq) {
        let mut state = self.live.state();
        if let Some(reader) = state.readers.get_mut(&self.reader).filter(|reader| !reader.stands) {
            reader.stands = true;
            let is_hearer = reader.is_hearer();
            state.hearers += usize::from(is_hearer);
        }
        drop(state);
        self.feeds.tell(&self.live, |feed, now| feed.open(epoch, head, now));
    }

    /// The store does not know the room any more.
    pub fn doubt(&self) {
        self.feeds.doubt(&self.live);
    }

    /// Tells the feed a head that was read beside a page of the log: a reader may get ahead of what its feed has heard of.
    pub fn hear_head(&self, epoch: Epoch, head: Seq) {
        self.feeds.tell(&self.live, |feed, now| feed.head(epoch, head, Seq::ZERO, limits::SWEEP_PATIENCE, now));
    }

    /// The pages of the log.
    pub fn pages(&self) -> &Pages {
        &self.feeds.pages
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.feeds.forget(&self.live, self.reader);
    }
}

#[cfg(test)]
mod tests;
