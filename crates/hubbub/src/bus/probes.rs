//! Probes show whether wakes travel: a probe is published like every payload, and counts once it has come back.

use super::Health;
use hubbub_core::limits;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

/// A direction that a connection serves. Redis has a connection for each; other brokers have one for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Publisher,
    Subscriber,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Publisher, Self::Subscriber];
}

/// The state of the probes of one link: which one is next, and which have come back. A link is [`Health::Up`] while both sides
/// are connected and every stream that probes go through has brought one back that was published since they were.
#[derive(Debug)]
pub(super) struct Probes {
    state: Mutex<State>,
    health: watch::Sender<Health>,
    wanted: Notify,
}

#[derive(Debug)]
struct State {
    publishing: bool,
    subscribed: bool,
    /// The number of the next probe.
    next: u64,
    /// The first probe since a side was last connected or lost; those before it prove nothing.
    first: u64,
    /// When each stream last brought a probe back that proves something.
    back: HashMap<u16, Option<Instant>>,
    /// When a side was last connected or lost.
    since: Instant,
}

impl Probes {
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            publishing: false,
            subscribed: false,
            next: 0,
            first: 0,
            back: HashMap::new(),
            since: Instant::now(),
        };
        Arc::new(Self { state: Mutex::new(state), health: watch::Sender::new(Health::Down), wanted: Notify::new() })
    }

    /// These sides are connected. The link is up once each of these streams has brought a probe back.
    pub(super) fn connected(&self, sides: &[Side], streams: &[u16]) {
        let mut state = self.lock();
        state.back = streams.iter().map(|stream| (*stream, None)).collect();
        self.set(&mut state, sides, true);
        self.wanted.notify_one();
    }

    /// The connection of these sides is given up.
    pub(super) fn disconnected(&self, sides: &[Side]) {
        self.set(&mut self.lock(), sides, false);
    }

    fn set(&self, state: &mut State, sides: &[Side], connected: bool) {
        for side in sides {
            match side {
                Side::Publisher => state.publishing = connected,
                Side::Subscriber => state.subscribed = connected,
            }
        }
        state.back.values_mut().for_each(|back| *back = None);
        state.first = state.next;
        state.since = Instant::now();
        self.tell_health(state);
    }

    /// The number of the probe that is published now.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.lock();
        state.next += 1;
        state.next - 1
    }

    /// A probe of ours has come back.
    pub(super) fn came_back(&self, stream: u16, number: u64) {
        let mut state = self.lock();
        if number >= state.first
            && let Some(back) = state.back.get_mut(&stream)
        {
            *back = Some(Instant::now());
            self.tell_health(&state);
        }
    }

    /// Waits until a probe is to be published before the next one is due.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Waits until some stream has brought no probe back for [`limits::PROBE_WITHIN`].
    pub(super) async fn overdue(&self) {
        loop {
            let due = self.oldest() + limits::PROBE_WITHIN;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }

    /// When the stream that has been silent for the longest time last brought a probe back.
    fn oldest(&self) -> Instant {
        let state = self.lock();
        state.back.values().map(|back| back.unwrap_or(state.since)).min().unwrap_or(state.since)
    }

    /// Whether the link is up.
    pub(super) fn all_back(&self) -> bool {
        *self.health.borrow() == Health::Up
    }

    /// Whether the link is up, and every change of it.
    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Called under the lock, so that what is told last is about the latest state.
    fn tell_health(&self, state: &State) {
        let up = state.publishing && state.subscribed && state.back.values().all(Option::is_some);
        let health = if up { Health::Up } else { Health::Down };
        self.health.send_if_modified(|told| std::mem::replace(told, health) != health);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn up_needs_both_sides_and_a_probe_published_since() {
        let probes = Probes::new();
        let early = probes.number();
        probes.connected(&[Side::Publisher], &[0]);
        probes.came_back(0, probes.number());
        assert!(!probes.all_back());
        probes.connected(&[Side::Subscriber], &[0]);
        probes.came_back(0, early);
        assert!(!probes.all_back());
        probes.came_back(0, probes.number());
        assert!(probes.all_back());
        probes.disconnected(&[Side::Publisher]);
        assert!(!probes.all_back());
        probes.connected(&[Side::Publisher], &[0]);
        assert!(!probes.all_back());
        probes.came_back(0, probes.number());
        assert!(probes.all_back());
    }
}
