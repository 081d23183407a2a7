//! What a bus counts, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one bus since it was started. They only go up.
#[derive(Debug, Default)]
pub struct BusCounters {
    /// Payloads that the broker has confirmed.
    pub published: AtomicU64,
    /// Payloads that were dropped instead of being published, or of which it is unknown whether they were published.
    pub dropped: AtomicU64,
    /// Payloads heard.
    pub heard: AtomicU64,
    /// Times the reader was told that some may have been lost.
    pub lost: AtomicU64,
    /// Dials after the first of each connection.
    pub redials: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
