//! Pages of the log for readers that the rings do not reach back to: aligned, so that all cursors that pass through the
//! same stretch ask for the same page, and one read answers all who ask while it waits its turn.

use super::page_cache::{Place, Shelf};
use crate::chat::ChatError;
use crate::{metrics::Metrics, store::Store};
use hubbub_core::{
    limits::{self, CATCH_UP_PAGE},
    live::feed::Item,
    model::{
        ids::RoomId,
        seq::{Epoch, Seq},
    },
    wire::rpc::PageOf,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{Semaphore, broadcast};

/// A stretch of a log, encoded once for all who read it.
#[derive(Debug)]
pub struct Stretch {
    /// What the numbers belong to.
    pub epoch: Epoch,
    /// The first seq kept.
    pub floor: Seq,
    /// The last seq.
    pub head: Seq,
    /// Entries in order.
    pub items: Vec<Arc<Item>>,
}

type Answer = Result<Option<Arc<Stretch>>, ChatError>;

/// Reads under way, by room and where they start, with those who wait for them.
type Running = HashMap<Place, broadcast::Sender<Answer>>;

/// See the module.
#[derive(Clone)]
pub struct Pages {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    running: Arc<Mutex<Running>>,
    shelf: Arc<Mutex<Shelf>>,
    turns: Arc<Semaphore>,
}

/// However a read ends, nobody waits for it any longer.
struct Read {
    running: Arc<Mutex<Running>>,
    /// Until those who wait were taken: the next read of the same place is another's.
    key: Option<Place>,
}

impl Read {
    fn take(&mut self) -> Option<broadcast::Sender<Answer>> {
        let key = self.key.take()?;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&key)
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        self.take();
    }
}

impl Pages {
    /// Pages of this store, read while there is one of `turns`.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, turns: Arc<Semaphore>) -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::new(limits::PAGES_BYTES, limits::PAGES_KEPT_FOR)));
        Self { store, metrics, running: Arc::default(), shelf, turns }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some entries after `seq`, the nearest; `None` where the room is gone. May join a read that began earlier, or be a page
    /// of the same epoch that was read a moment ago.
    ///
    /// The answer may not carry the reader forward: it lacks the newest entries, or heavy entries before `seq` filled the
    /// aligned page. Then the reader asks again with `exact`, and the page begins right after `seq`.
    pub async fn after(&self, room: &RoomId, epoch: Epoch, seq: Seq, exact: bool) -> Answer {
        let page = CATCH_UP_PAGE as u64;
        let start = if exact { seq } else { Seq::new(seq.get() / page * page) };
        let key = (room.clone(), start);
        let kept = self.shelf().get(&key, seq, epoch, Instant::now());
        if let Some(stretch) = kept {
            self.metrics.pages_shared.inc();
            return Ok(Some(stretch));
        }
        let mut answer = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            match running.get(&key) {
                Some(read) => {
                    self.metrics.pages_shared.inc();
                    read.subscribe()
                }
                None => {
                    let (sender, answer) = broadcast::channel(1);
                    running.insert(key.clone(), sender);
                    tokio::spawn(self.clone().read(key));
                    answer
                }
            }
        };
        answer.recv().await.unwrap_or(Err(ChatError::Unavailable))
    }

    /// Gives up pages that were read too long ago.
    pub fn tidy(&self) {
        self.shelf().give_up(Instant::now());
        self.count();
    }

    fn count(&self) {
        self.metrics.page_bytes.set(self.shelf().bytes() as i64);
    }

    /// Not the asker's own future: whoever joined must not suffer when the first asker goes.
    async fn read(self, key: Place) {
        let mut read = Read { running: self.running.clone(), key: Some(key.clone()) };
        let Ok(_turn) = self.turns.acquire().await else { return };
        self.metrics.log_reads.inc();
        let page = self.store.page(&key.0, PageOf::After(key.1), CATCH_UP_PAGE).await;
        let answer = match page {
            Ok(page) => Ok(page.map(|page| {
                let items = page.entries.iter().map(Item::new).collect();
                Arc::new(Stretch { epoch: page.epoch, floor: page.floor, head: page.head, items })
            })),
            Err(error) => {
                tracing::warn!(%error, room = %key.0, "reading a page of the log failed");
                Err(error.into())
            }
        };
        if let Ok(Some(stretch)) = &answer {
            // Before the read is over: who comes now finds one or the other.
            self.shelf().put(key.clone(), stretch, Instant::now());
            self.count();
        }
        if let Some(waiting) = read.take() {
            // Those who asked may all have gone.
            let _ = waiting.send(answer);
        }
    }
}
