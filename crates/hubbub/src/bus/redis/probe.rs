//! Whether wakes travel: told only by a probe that went out through a real PUBLISH and came back.

use super::link::Bells;
use crate::bus::Health;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// One side of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Publisher,
    Subscriber,
}

/// What both sides know of each other.
#[derive(Debug)]
pub(super) struct Probe {
    state: Mutex<State>,
    health: watch::Sender<Health>,
    bells: Arc<Bells>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    publishing: bool,
    subscribed: bool,
    /// The number of the next probe.
    next: u64,
    /// The first probe published since both sides were last dialled; earlier ones prove nothing.
    fence: u64,
    proven: bool,
}

impl Probe {
    pub(super) fn new(bells: Arc<Bells>) -> Self {
        Self { state: Mutex::default(), health: watch::Sender::new(Health::Down), bells, asked: Notify::new() }
    }

    /// One side has been dialled, or was given up. Health follows the next probe.
    pub(super) fn side(&self, side: Side, works: bool) {
        let mut state = self.lock();
        match side {
            Side::Publisher => state.publishing = works,
            Side::Subscriber => state.subscribed = works,
        }
        state.proven = false;
        state.fence = state.next;
        self.say(&state);
        if works {
            self.asked.notify_one();
        }
    }

    /// The number of the probe to be published now.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.lock();
        state.next += 1;
        state.next - 1
    }

    /// A probe came back.
    pub(super) fn heard(&self, number: u64) {
        let mut state = self.lock();
        state.proven |= number >= state.fence;
        self.say(&state);
    }

    /// Resolves when a probe is wanted out of turn.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    pub(super) fn health(&self) -> Health {
        *self.health.borrow()
    }

    /// Under the lock, so that the last word is about the last state.
    fn say(&self, state: &State) {
        let works = state.publishing && state.subscribed && state.proven;
        let health = if works { Health::Up } else { Health::Down };
        if self.health.send_replace(health) != health {
            self.bells.health.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_needs_both_sides_and_a_probe_published_since() {
        let probe = Probe::new(Arc::default());
        let early = probe.number();
        probe.side(Side::Publisher, true);
        probe.heard(probe.number());
        assert_eq!(probe.health(), Health::Down);
        probe.side(Side::Subscriber, true);
        probe.heard(early);
        assert_eq!(probe.health(), Health::Down);
        probe.heard(probe.number());
        assert_eq!(probe.health(), Health::Up);
        probe.side(Side::Publisher, false);
        assert_eq!(probe.health(), Health::Down);
        probe.side(Side::Publisher, true);
        assert_eq!(probe.health(), Health::Down);
        probe.heard(probe.number());
        assert_eq!(probe.health(), Health::Up);
    }
}
