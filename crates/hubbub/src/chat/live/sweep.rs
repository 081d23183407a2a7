//! The guarantee that no wake is needed: the heads of all rooms held here are compared with the store, over and over.

use super::{feeds::Feeds, room::Live};
use crate::{bus::Health, store::StoreError};
use hubbub_core::{
    limits,
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// A handle on the sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    bell: Arc<Notify>,
    asked: Arc<Mutex<Asked>>,
}

/// What is wanted out of turn.
#[derive(Debug, Default)]
struct Asked {
    /// All rooms.
    all: bool,
    /// The rooms of these lanes.
    lanes: BTreeSet<u16>,
    /// Somebody who lives is not heard: poll until this is taken back.
    silence: bool,
}

impl Sweep {
    /// Starts sweeping. It ends with the feeds' last holder outside.
    pub fn start(feeds: Arc<Feeds>, health: watch::Receiver<Health>, shared: bool) -> Self {
        let sweep = Self { bell: Arc::default(), asked: Arc::default() };
        tokio::spawn(sweep.clone().run(feeds, health, shared));
        sweep
    }

    /// Something may have been lost: sweep now.
    pub fn now(&self) {
        self.ask(|asked| asked.all = true);
    }

    /// Something was lost on this lane: compare the heads of its rooms now.
    pub fn lane(&self, lane: u16) {
        self.ask(|asked| {
            asked.lanes.insert(lane);
        });
    }

    /// Somebody who lives is not heard, or everybody is again.
    pub fn silence(&self, silence: bool) {
        self.ask(|asked| asked.silence = silence);
    }

    fn ask(&self, what: impl FnOnce(&mut Asked)) {
        what(&mut self.asked());
        self.bell.notify_one();
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self, feeds: Arc<Feeds>, mut health: watch::Receiver<Health>, shared: bool) {
        let mut swept = Instant::now();
        loop {
            let (every, _) = pace(*health.borrow_and_update(), shared, self.asked().silence);
            let mut all = true;
            tokio::select! {
                // Since all were compared: what is asked out of turn does not put it off.
                () = tokio::time::sleep_until((swept + every).into()) => {}
                () = self.bell.notified() => all = false,
                changed = health.changed() => {
                    if changed.is_err() {
                        // The bus is gone, and with it the chat.
                        return;
                    }
                }
            }
            // Whichever of them woke it: those who ask out of turn may do so over and over.
            let all = all || swept.elapsed() >= every;
            let (lost, lanes, silence) = {
                let mut asked = self.asked();
                (std::mem::take(&mut asked.all), std::mem::take(&mut asked.lanes), asked.silence)
            };
            let now = *health.borrow();
            feeds.metrics.bus_up.set(i64::from(now != Health::Down));
            let (_, patience) = pace(now, shared, silence);
            if !lanes.is_empty() {
                // Lost for certain: no wake will come.
                sweep(&feeds, Some(&lanes), Duration::ZERO).await;
            }
            if all || lost {
                swept = Instant::now();
                sweep(&feeds, None, if lost { patience.min(limits::REORDER) } else { patience }).await;
            }
        }
    }
}

/// How often, and how long a head may be ahead of its wake before the log is read.
fn pace(health: Health, shared: bool, silence: bool) -> (Duration, Duration) {
    match (health, shared) {
        // The wakes of those who are heard are on their way.
        (Health::Up, _) if silence => (limits::POLL_EVERY, limits::REORDER),
        (Health::Up, _) | (Health::Alone, false) => (limits::SWEEP_EVERY, limits::SWEEP_PATIENCE),
        // Nobody will tell: whatever the store has is read at once.
        (Health::Down, _) | (Health::Alone, true) => (limits::POLL_EVERY, Duration::ZERO),
    }
}

/// What the store said, in the words it says to everybody.
fn why(error: StoreError) -> String {
    match error {
        StoreError::Unavailable(why) => why,
        other => other.to_string(),
    }
}

/// Compares the heads of all rooms held here, or of those on these lanes.
async fn sweep(feeds: &Arc<Feeds>, lanes: Option<&BTreeSet<u16>>, patience: Duration) {
    let began = Instant::now();
    feeds.pages.tidy();
    let is_asked = |live: &Arc<Live>| lanes.is_none_or(|lanes| lanes.contains(&live.room.lane(limits::LANES)));
    // A feed that is not open yet is being looked up.
    let open = |live: Arc<Live>| live.reach().map(|(_, known)| (live, known));
    let open: Vec<(Arc<Live>, Seq)> = feeds.all().into_iter().filter(is_asked).filter_map(open).collect();
    if open.is_empty() && lanes.is_none() {
        // Nobody reads here; whether the store answers is to be known all the same.
        match feeds.store.heads(&[RoomId::direct(&UserId::backend(), &UserId::backend())]).await {
            Ok(_) => feeds.metrics.store.works(),
            Err(error) => feeds.metrics.store.fails(why(error)),
        }
    }
    for chunk in open.chunks(limits::SWEEP_CHUNK) {
        let rooms: Vec<RoomId> = chunk.iter().map(|(live, _)| live.room.clone()).collect();
        match feeds.store.heads(&rooms).await {
            Ok(heads) => {
                feeds.metrics.store.works();
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
                feeds.metrics.store.fails(why(error));
                return;
            }
        }
    }
    tracing::trace!(rooms = open.len(), took = ?began.elapsed(), "swept");
}
