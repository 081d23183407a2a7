//! When a lost connection is dialled again, and what the log says meanwhile.

use hubbub_core::{limits, model::backoff::Backoff};
use std::time::Duration;

/// The waits between the dials of one connection. It logs one warning when the connection stops working, and one line when it
/// works again, however many dials fail in between.
pub(super) struct Redial {
    /// Which connection, for people who read the log.
    name: &'static str,
    backoff: Backoff,
    out: bool,
}

impl Redial {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, backoff: Backoff::new(Duration::from_millis(50), limits::REDIAL_MAX), out: false }
    }

    /// A dial has failed or a connection has broken. Returns how long to wait before the next dial.
    pub(super) fn failed(&mut self, reason: &str) -> Duration {
        if !std::mem::replace(&mut self.out, true) {
            tracing::warn!(bus = self.name, reason, "the bus is out; redialling until it is back");
        }
        self.backoff.next(rand::random())
    }

    /// The connection works: the next wait is the shortest again.
    pub(super) fn works(&mut self) {
        self.backoff.reset();
        if std::mem::replace(&mut self.out, false) {
            tracing::info!(bus = self.name, "the bus is back");
        }
    }

    /// Whether the last thing heard of the connection was a failure.
    pub(super) const fn is_out(&self) -> bool {
        self.out
    }
}
