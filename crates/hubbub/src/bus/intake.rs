//! The bounded queue between whatever reads a bus and the instance that listens to it.

use super::{
    BusCounters, BusEvent,
    counters::{self, add},
};
use bytes::Bytes;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, error::TrySendError},
};

/// Takes payloads in without ever waiting or growing: what does not fit becomes one [`BusEvent::Lost`].
#[derive(Debug, Clone)]
pub(super) struct Intake {
    events: mpsc::Sender<BusEvent>,
    /// A `Lost` waits for room; until it is through, everything else is part of that loss.
    owing: Arc<AtomicBool>,
    counters: Arc<BusCounters>,
    runtime: Handle,
}

impl Intake {
    /// A queue of `limit` events. Must be called within a runtime.
    pub(super) fn new(limit: usize, counters: Arc<BusCounters>) -> (Self, mpsc::Receiver<BusEvent>) {
        let (events, receiver) = mpsc::channel(limit);
        (Self { events, owing: Arc::default(), counters, runtime: Handle::current() }, receiver)
    }

    /// A payload has arrived.
    pub(super) fn heard(&self, payload: Bytes) {
        if self.owing.load(Ordering::Acquire) {
            return;
        }
        match self.events.try_send(BusEvent::Heard(payload)) {
            Ok(()) => counters::add(&self.counters.heard, 1),
            Err(TrySendError::Full(_)) => self.owe(),
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Payloads may have passed unheard.
    pub(super) fn lost(&self) {
        if self.owing.load(Ordering::Acquire) {
            return;
        }
        match self.events.try_send(BusEvent::Lost) {
            Ok(()) => add(&self.counters.lost, 1),
            Err(TrySendError::Full(_)) => self.owe(),
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Says `Lost` as soon as there is room: whoever waits for room is served before any `try_send`.
    fn owe(&self) {
        if self.owing.swap(true, Ordering::AcqRel) {
            return;
        }
        let Self { events, owing, counters, .. } = self.clone();
        self.runtime.spawn(async move {
            if let Ok(room) = events.reserve().await {
                // Before the event, not after: a payload refused in between would be a loss nobody is told of.
                owing.store(false, Ordering::Release);
                add(&counters.lost, 1);
                room.send(BusEvent::Lost);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn an_overflow_says_lost_once_and_then_hears_again() {
        let (intake, mut events) = Intake::new(2, Arc::default());
        for text in ["a", "b", "c", "d"] {
            intake.heard(payload(text));
        }
        intake.lost();
        assert_eq!(events.recv().await, Some(BusEvent::Heard(payload("a"))));
        assert_eq!(events.recv().await, Some(BusEvent::Heard(payload("b"))));
        assert_eq!(events.recv().await, Some(BusEvent::Lost));
        intake.heard(payload("e"));
        assert_eq!(events.recv().await, Some(BusEvent::Heard(payload("e"))));
        assert!(events.try_recv().is_err());
    }
}
