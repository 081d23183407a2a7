//! The guarantee that no wake is needed: the heads of all rooms held here are compared with the store, over and over.

use super::feeds::{Feeds, Live};
use crate::bus::Health;
use hubbub_core::{
    ids::{RoomId, UserId},
    limits,
    seq::Seq,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// A handle on the sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    asked: Arc<Notify>,
}

impl Sweep {
    /// Starts sweeping. It ends with the feeds' last holder outside.
    pub fn start(feeds: Arc<Feeds>, health: watch::Receiver<Health>, shared: bool) -> Self {
        let asked = Arc::new(Notify::new());
        tokio::spawn(run(feeds, health, shared, asked.clone()));
        Self { asked }
    }

    /// Something may have been lost: sweep now.
    pub fn now(&self) {
        self.asked.notify_one();
    }
}

/// How often, and how long a head may be ahead of its wake before the log is read.
fn pace(health: Health, shared: bool) -> (Duration, Duration) {
    match (health, shared) {
        (Health::Up, _) | (Health::Alone, false) => (limits::SWEEP_EVERY, limits::SWEEP_PATIENCE),
        // Nobody will tell: whatever the store has is read at once.
        (Health::Down, _) | (Health::Alone, true) => (limits::POLL_EVERY, Duration::ZERO),
    }
}

async fn run(feeds: Arc<Feeds>, mut health: watch::Receiver<Health>, shared: bool, asked: Arc<Notify>) {
    loop {
        let (every, _) = pace(*health.borrow_and_update(), shared);
        let mut lost = false;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = asked.notified() => lost = true,
            changed = health.changed() => {
                if changed.is_err() {
                    // The bus is gone, and with it the chat.
                    return;
                }
            }
        }
        let now = *health.borrow();
        feeds.metrics.bus_up.set(i64::from(now != Health::Down));
        let (_, patience) = pace(now, shared);
        sweep(&feeds, if lost { patience.min(limits::REORDER) } else { patience }).await;
    }
}

async fn sweep(feeds: &Arc<Feeds>, patience: Duration) {
    let began = Instant::now();
    feeds.pages.tidy();
    // A feed that is not open yet is being looked up.
    let open: Vec<(Arc<Live>, Seq)> =
        feeds.all().into_iter().filter_map(|live| live.reach().map(|(_, known)| (live, known))).collect();
    if open.is_empty() {
        // Nobody reads here; whether the store answers is to be known all the same.
        let answers = feeds.store.heads(&[RoomId::direct(&UserId::backend(), &UserId::backend())]).await.is_ok();
        feeds.metrics.store_up.set(i64::from(answers));
    }
    for chunk in open.chunks(limits::SWEEP_CHUNK) {
        let rooms: Vec<RoomId> = chunk.iter().map(|(live, _)| live.room.clone()).collect();
        match feeds.store.heads(&rooms).await {
            Ok(heads) => {
                feeds.metrics.store_up.set(1);
                for ((live, asked), head) in chunk.iter().zip(heads) {
                    let Some(head) = head else {
                        // The store has not known this room since it went back to another life.
                        feeds.doubt(live);
                        continue;
                    };
                    if live.reach().is_some_and(|(_, known)| head.seq > known) {
                        feeds.metrics.repaired.inc();
                    }
                    feeds.hear_swept(live, head, *asked, patience);
                }
            }
            Err(error) => {
                if feeds.metrics.store_up.set(0) == 1 {
                    tracing::warn!(%error, "the sweep cannot read heads; sweeping again");
                }
                return;
            }
        }
    }
    tracing::trace!(rooms = open.len(), took = ?began.elapsed(), "swept");
}
