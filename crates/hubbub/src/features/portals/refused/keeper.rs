//! Writes down what was refused: at once, and then once a second at most, together. Nobody waits for it, and what does not fit is
//! counted and forgotten.

use crate::{
    features::portals::{Complaint, Portals},
    store::StoreError,
};
use hubbub_core::{
    limits,
    portal::{
        PortalId,
        refused::{Refused, Waiting},
    },
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    sync::{Notify, Semaphore},
    time,
};

/// What waits to be written down on this instance.
pub struct Keeper {
    waiting: Mutex<Waiting>,
    woken: Notify,
    /// One write at a time.
    turns: Semaphore,
    complaint: Complaint,
}

impl Default for Keeper {
    fn default() -> Self {
        let (waiting, woken, complaint) = (Mutex::default(), Notify::new(), Complaint::default());
        Self { waiting, woken, turns: Semaphore::new(1), complaint }
    }
}

impl Keeper {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down and throws away until it is stopped.
pub async fn run(portals: Arc<Portals>, stopped: Arc<AtomicBool>) {
    let complaint = Complaint::default();
    let mut sweeps = time::interval(limits::REFUSED_HOOKS_SWEEP);
    sweeps.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    while !stopped.load(Ordering::Relaxed) {
        tokio::select! {
            () = portals.keeper.woken.notified() => {
                portals.write_refused().await;
                time::sleep(limits::REFUSED_HOOKS_EVERY).await;
            }
            _ = sweeps.tick() => {
                let swept = portals.support.store.sweep_refused().await;
                let what = "refused webhooks that are old cannot be thrown away";
                portals.gone(complaint.hear(what, swept).unwrap_or_default(), "expired");
            }
        }
    }
}

impl Portals {
    /// Has a webhook kept, soon.
    pub(super) fn wait_to_keep(&self, refused: Refused) {
        let gave_way = self.keeper.waiting().put(refused);
        self.gone(gave_way, "dropped");
        self.keeper.woken.notify_one();
    }

    /// Writes down what waits.
    pub async fn write_refused(&self) {
        let _turn = self.keeper.turns.acquire().await;
        let taken = self.keeper.waiting().take();
        if taken.is_empty() {
            return;
        }
        let written = self.support.store.keep_refused(&taken).await;
        let again = matches!(written, Err(StoreError::Unavailable(_) | StoreError::Locked));
        match self.keeper.complaint.hear("refused webhooks cannot be kept", written) {
            Some(gave_way) => {
                self.gone(taken.into_iter().map(|one| (one.portal, one.times)), "kept");
                self.gone(gave_way, "dropped");
            }
            None if again => {
                for one in taken {
                    let gave_way = self.keeper.waiting().put(one);
                    self.gone(gave_way, "dropped");
                }
                self.keeper.woken.notify_one();
            }
            None => self.gone(taken.into_iter().map(|one| (one.portal, one.times)), "dropped"),
        }
    }

    fn gone(&self, all: impl IntoIterator<Item = (PortalId, u64)>, outcome: &'static str) {
        for (portal, hooks) in all {
            self.metrics().portals.refused(portal.as_str(), outcome, hooks);
        }
    }
}
