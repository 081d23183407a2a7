//! When a lost connection is dialled again, and what the log and readiness say meanwhile.

use super::BusCounters;
use hubbub_core::{
    limits,
    model::{backoff::Backoff, reason::Reason},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The waits between the dials of one connection. It logs a warning when the connection stops working and when the reason
/// changes, and one line when it works again, however many dials fail in between.
pub(super) struct Redial {
    /// Which connection, for people who read the log.
    name: &'static str,
    number: u64,
    backoff: Backoff,
    reason: Reason,
    counters: Arc<BusCounters>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Redial {
    pub(super) fn new(name: &'static str, counters: Arc<BusCounters>) -> Self {
        Self {
            name,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            backoff: Backoff::new(Duration::from_millis(50), limits::REDIAL_MAX),
            reason: Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX),
            counters,
        }
    }

    /// A dial has failed or a connection has broken. Returns how long to wait before the next dial.
    pub(super) fn failed(&mut self, reason: &str) -> Duration {
        if self.reason.fails(reason, Instant::now()) {
            tracing::warn!(bus = self.name, reason, "the bus is out; redialling until it is back");
        }
        self.counters.troubles().insert(self.number, (self.name, reason.to_owned()));
        self.backoff.next(rand::random())
    }

    /// The connection works: the next wait is the shortest again.
    pub(super) fn works(&mut self) {
        self.backoff.reset();
        if self.is_out() {
            self.counters.troubles().remove(&self.number);
        }
        if self.reason.works() {
            tracing::info!(bus = self.name, "the bus is back");
        }
    }

    /// Whether the last thing heard of the connection was a failure.
    pub(super) fn is_out(&self) -> bool {
        self.reason.present().is_some()
    }
}

impl Drop for Redial {
    fn drop(&mut self) {
        self.counters.troubles().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_reason_of_each_connection_is_known_while_it_lasts() {
        let counters = Arc::new(BusCounters::default());
        let [mut publisher, mut subscriber, mut other] =
            ["publisher", "subscriber", "publisher"].map(|name| Redial::new(name, counters.clone()));
        assert_eq!(counters.trouble(), None);
        publisher.failed("connection closed");
        publisher.failed("WRONGPASS");
        other.failed("WRONGPASS");
        subscriber.failed("NOAUTH");
        assert_eq!(counters.trouble().as_deref(), Some("publisher: WRONGPASS; subscriber: NOAUTH"));
        assert!(publisher.is_out());
        publisher.works();
        drop(subscriber);
        assert!(!publisher.is_out());
        assert_eq!(counters.trouble().as_deref(), Some("publisher: WRONGPASS"), "of the other node");
        other.works();
        assert_eq!(counters.trouble(), None);
    }
}
