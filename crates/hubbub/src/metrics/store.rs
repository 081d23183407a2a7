//! Whether the store answers, and if not, why: the present reason, for the log and for readiness.

use hubbub_core::{limits, model::reason::Reason};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// See the module.
#[derive(Debug)]
pub struct StoreStanding {
    /// 1 while it answers.
    up: Gauge,
    reason: Mutex<Reason>,
    pace: Mutex<Pace>,
}

/// How long batches take as a rule.
#[derive(Debug, Default)]
struct Pace {
    /// The mean, the newest weighing most.
    usual: Duration,
    is_slow: bool,
}

impl StoreStanding {
    pub(super) fn new(up: Gauge) -> Self {
        up.set(1);
        Self {
            up,
            reason: Mutex::new(Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX)),
            pace: Mutex::default(),
        }
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

    /// It has answered a batch after so long. It is said when that is too long as a rule, and when it is not any more.
    pub fn took(&self, took: Duration) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        match pace.went(took) {
            Some(true) => tracing::warn!(milliseconds = pace.usual.as_millis(), "the store is slow"),
            Some(false) => tracing::info!(milliseconds = pace.usual.as_millis(), "the store is quick again"),
            None => {}
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

impl Pace {
    /// A batch has taken so long. Whether that makes it slow, or quick again; `None`: it is as before.
    fn went(&mut self, took: Duration) -> Option<bool> {
        self.usual = (self.usual * 7 + took) / 8;
        let bound = if self.is_slow { limits::STORE_SLOW / 2 } else { limits::STORE_SLOW };
        let is_slow = self.usual > bound;
        (is_slow != std::mem::replace(&mut self.is_slow, is_slow)).then_some(is_slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_and_quick_are_said_once_each_and_one_slow_batch_is_none() {
        let ms = Duration::from_millis;
        let mut pace = Pace::default();
        let mut said = |took: &[u64]| -> Vec<bool> { took.iter().filter_map(|took| pace.went(ms(*took))).collect() };
        assert!(said(&[2, 3, 500, 2, 3]).is_empty());
        assert_eq!(said(&[110; 40]), [true]);
        // Around the bound nothing is said again.
        assert!(said(&[90, 110, 95, 105, 70, 130]).is_empty());
        assert_eq!(said(&[3; 40]), [false]);
        assert_eq!(said(&[600, 600]), [true]);
    }
}
