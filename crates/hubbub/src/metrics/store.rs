//! Whether the store answers, and if not, why: the present reason, for the log and for readiness.

use hubbub_core::{limits, model::reason::Reason};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// See the module.
#[derive(Debug)]
pub struct StoreStanding {
    /// 1 while it answers.
    up: Gauge,
    reason: Mutex<Reason>,
}

impl StoreStanding {
    pub(super) fn new(up: Gauge) -> Self {
        up.set(1);
        Self { up, reason: Mutex::new(Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX)) }
    }

    fn reason(&self) -> MutexGuard<'_, Reason> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has answered.
    pub fn works(&self) {
        // Asked with each commit: the lock is for who has to be told.
        if self.up.get() == 1 {
            return;
        }
        let mut reason = self.reason();
        self.up.set(1);
        if reason.works() {
            tracing::info!("the store answers again");
        }
    }

    /// It has not answered, for this reason.
    pub fn fails(&self, why: impl fmt::Display) {
        let why = why.to_string();
        let mut reason = self.reason();
        self.up.set(0);
        if reason.fails(&why, Instant::now()) {
            tracing::warn!(reason = why, "the store does not answer; trying again");
        }
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.up.get() == 1
    }

    /// Why it does not.
    pub fn present_reason(&self) -> Option<String> {
        self.reason().present().map(ToOwned::to_owned)
    }
}
