//! How long things take that people wait for.

use prometheus_client::{metrics::histogram::Histogram, registry::Registry};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Upper bounds in seconds: from what a fast disk needs to what a sender is kept waiting for at most.
pub(super) const BOUNDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A delivery is measured at most once in this time, so that measuring costs nothing.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);

/// See the module.
#[derive(Debug)]
pub struct Latency {
    /// From handing a batch to the store to its answer, repeated attempts included.
    pub commit: Histogram,
    /// From queueing a draft to its answer.
    pub send: Histogram,
    delivery: Histogram,
    began: Instant,
    sampled: AtomicU64,
}

impl Latency {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let histogram = || Histogram::new(BOUNDS);
        let (commit, send, delivery) = (histogram(), histogram(), histogram());
        registry.register("commit_seconds", "From handing a batch to the store to its answer", commit.clone());
        registry.register("send_seconds", "From queueing a send to its answer", send.clone());
        let help = "From when the store took an entry to when a socket that waited for it was written to; a sample";
        registry.register("delivery_seconds", help, delivery.clone());
        Self { commit, send, delivery, began: Instant::now(), sampled: AtomicU64::new(0) }
    }

    /// Whether a delivery is to be measured now. The first is.
    pub fn is_due(&self) -> bool {
        let now = 1 + self.began.elapsed().as_millis() as u64;
        let last = self.sampled.load(Ordering::Relaxed);
        (last == 0 || now >= last + SAMPLE_EVERY.as_millis() as u64)
            && self.sampled.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// An entry that the store took at `at` is written at `now`, both since 1970 by the store's clock.
    pub fn delivered(&self, at: Duration, now: Duration) {
        self.delivery.observe(now.saturating_sub(at).as_secs_f64());
    }
}
