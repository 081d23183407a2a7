//! Pages of the log for readers that the rings do not reach back to: aligned, so that all cursors that pass through the
//! same part of a log ask for the same page, and one read answers all who ask while it waits its turn.

use super::page_cache::{PageCache, PageKey};
use crate::{chat::ChatError, log::Summary, metrics::Metrics, store::Store};
use hubbub_core::{
    limits::{self, CATCH_UP_PAGE},
    live::item::Item,
    log::room::PageOf,
    model::{
        ids::RoomId,
        seq::{Epoch, Seq},
    },
    wire::push,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::{Semaphore, broadcast};

/// Pages that could not be read.
static FAILED: Summary = Summary::new("reading a page of the log failed");

/// A page of a log, encoded once for all who read it.
#[derive(Debug)]
pub struct SharedPage {
    /// What the numbers belong to.
    pub epoch: Epoch,
    /// The first seq kept.
    pub floor: Seq,
    /// The last seq.
    pub head: Seq,
    /// Entries in order.
    pub items: Vec<Arc<Item>>,
}

type PageAnswer = Result<Option<Arc<SharedPage>>, ChatError>;

/// Reads under way that may still be joined, by room and by the seq after which the page begins: each with its number and those
/// who wait for it.
type Joinable = Mutex<HashMap<RoomId, HashMap<Seq, (u64, broadcast::Sender<PageAnswer>)>>>;

/// See the module.
#[derive(Clone)]
pub struct Pages {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    joinable: Arc<Joinable>,
    reads: Arc<AtomicU64>,
    cache: Arc<Mutex<PageCache>>,
    turns: Arc<Semaphore>,
}

/// A read under way. However it ends, it can then no longer be joined.
struct PageRead {
    joinable: Arc<Joinable>,
    key: PageKey,
    number: u64,
    waiting: broadcast::Sender<PageAnswer>,
}

impl PageRead {
    /// Ends being joined. Returns whether it could be until now: else something it may have read was blanked meanwhile.
    fn close(&self) -> bool {
        let mut joinable = self.joinable.lock().unwrap_or_else(PoisonError::into_inner);
        let (room, after) = &self.key;
        let Some(reads) = joinable.get_mut(room) else { return false };
        let is_own = reads.get(after).is_some_and(|(number, _)| *number == self.number);
        if is_own {
            reads.remove(after);
            if reads.is_empty() {
                joinable.remove(room);
            }
        }
        is_own
    }
}

impl Drop for PageRead {
    fn drop(&mut self) {
        self.close();
    }
}

impl Pages {
    /// Pages of this store, read while there is one of `turns`.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, turns: Arc<Semaphore>) -> Self {
        let cache = Arc::new(Mutex::new(PageCache::new(limits::PAGES_BYTES, limits::PAGES_KEPT_FOR)));
        Self { store, metrics, joinable: Arc::default(), reads: Arc::default(), cache, turns }
    }

    fn cache(&self) -> MutexGuard<'_, PageCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some entries after `seq`, the nearest; `None` where the room is gone. May join a read that began earlier, or be a page
    /// of the same epoch that was read a moment ago.
    ///
    /// The answer may not carry the reader forward: it lacks the newest entries, or heavy entries before `seq` filled the
    /// aligned page. Then the reader asks again with `exact`, and the page begins right after `seq`.
    ///
    /// # Errors
    /// [`ChatError::Unavailable`] where the log cannot be read now.
    pub async fn after(&self, room: &RoomId, epoch: Epoch, seq: Seq, exact: bool) -> PageAnswer {
        let page = CATCH_UP_PAGE as u64;
        let start = if exact { seq } else { Seq::new(seq.get() / page * page) };
        let key = (room.clone(), start);
        let kept = self.cache().get(&key, seq, epoch, Instant::now());
        if let Some(page) = kept {
            self.metrics.pages_shared.inc();
            return Ok(Some(page));
        }
        let mut answer = {
            let mut joinable = self.joinable.lock().unwrap_or_else(PoisonError::into_inner);
            match joinable.get(room).and_then(|reads| reads.get(&start)) {
                Some((_, read)) => {
                    self.metrics.pages_shared.inc();
                    read.subscribe()
                }
                None => {
                    let (waiting, answer) = broadcast::channel(1);
                    let number = self.reads.fetch_add(1, Ordering::Relaxed);
                    joinable.entry(room.clone()).or_default().insert(start, (number, waiting.clone()));
                    let read = PageRead { joinable: self.joinable.clone(), key, number, waiting };
                    tokio::spawn(self.clone().read(read));
                    answer
                }
            }
        };
        answer.recv().await.unwrap_or(Err(ChatError::Unavailable))
    }

    /// The content of these entries was blanked: no page that holds it is given to anybody who asks from now on.
    pub fn blank(&self, room: &RoomId, seqs: &[Seq]) {
        // Reads first: one that ends in between would put into the cache what has just been dropped from it.
        self.joinable.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
        self.cache().blank(room, seqs);
    }

    /// Something of this room may have been blanked without being heard of: none of its pages is given to anybody any more.
    pub fn forget(&self, room: &RoomId) {
        self.end(room, Instant::now());
    }

    /// Nobody follows this room here any more.
    pub fn leave(&self, room: &RoomId) {
        self.end(room, Instant::now() + limits::PAGES_UNHEARD_FOR);
    }

    fn end(&self, room: &RoomId, until: Instant) {
        // As in `blank`.
        self.joinable.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
        self.cache().end(room, until);
    }

    /// Gives up pages that were read too long ago.
    pub fn tidy(&self) {
        self.cache().tidy(Instant::now());
        self.count();
    }

    fn count(&self) {
        self.metrics.page_bytes.set(self.cache().bytes() as i64);
    }

    /// Not the asker's own future: whoever joined must not suffer when the first asker goes.
    async fn read(self, read: PageRead) {
        let Ok(_turn) = self.turns.acquire().await else { return };
        self.metrics.log_reads.inc();
        let (room, after) = &read.key;
        let page = self.store.page(room, PageOf::After(*after), CATCH_UP_PAGE).await;
        let answer = match page {
            Ok(page) => Ok(page.map(|page| {
                let items = page.entries.iter().map(push::item_of).collect();
                Arc::new(SharedPage { epoch: page.epoch, floor: page.floor, head: page.head, items })
            })),
            Err(error) => {
                FAILED.note_of(room.as_str(), || &error);
                Err(error.into())
            }
        };
        {
            // Under the lock of the cache: a blanking waits, and then finds the page there.
            let mut cache = self.cache();
            if read.close()
                && let Ok(Some(page)) = &answer
            {
                cache.put(read.key.clone(), page, Instant::now());
            }
        }
        self.count();
        // Those who asked may all have gone.
        let _ = read.waiting.send(answer);
    }
}
