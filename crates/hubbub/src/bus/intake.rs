//! The bounded queue from whatever reads a bus to the instance that listens to it.

use super::{BusCounters, BusEvent, counters::add};
use bytes::Bytes;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, error::TrySendError},
};

/// The end that payloads are put into. It never waits, and the queue never grows beyond its limit: all payloads that do not fit
/// become one [`BusEvent::Lost`].
#[derive(Debug, Clone)]
pub(super) struct Intake {
    events: mpsc::Sender<BusEvent>,
    /// Whether a `Lost` is waiting for room. Payloads that arrive meanwhile are dropped: that `Lost` stands for them, too.
    owing: Arc<AtomicBool>,
    counters: Arc<BusCounters>,
    runtime: Handle,
}

impl Intake {
    /// A queue of at most `limit` events. Must be called within a runtime.
    pub(super) fn new(limit: usize, counters: Arc<BusCounters>) -> (Self, Events) {
        let (events, receiver) = mpsc::channel(limit);
        (Self { events, owing: Arc::default(), counters, runtime: Handle::current() }, receiver.into())
    }

    /// A payload has arrived.
    pub(super) fn heard(&self, payload: Bytes) {
        if self.owing.load(Ordering::Acquire) {
            return;
        }
        match self.events.try_send(BusEvent::Heard(payload)) {
            Ok(()) => add(&self.counters.heard, 1),
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

    /// Queues a `Lost` as soon as there is room. A task that waits for room gets it before any `try_send` does.
    fn owe(&self) {
        if self.owing.swap(true, Ordering::AcqRel) {
            return;
        }
        let Self { events, owing, counters, .. } = self.clone();
        self.runtime.spawn(async move {
            if let Ok(room) = events.reserve().await {
                // Before the event, not after: otherwise a payload could be dropped after the `Lost` without another one.
                owing.store(false, Ordering::Release);
                add(&counters.lost, 1);
                room.send(BusEvent::Lost);
            }
        });
    }
}

/// The end that events are read from, until somebody takes it.
#[derive(Debug)]
pub(super) struct Events(Mutex<Option<mpsc::Receiver<BusEvent>>>);

impl Events {
    /// Nothing, from the second call on.
    pub(super) fn take(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl From<mpsc::Receiver<BusEvent>> for Events {
    fn from(receiver: mpsc::Receiver<BusEvent>) -> Self {
        Self(Mutex::new(Some(receiver)))
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
        let (intake, events) = Intake::new(2, Arc::default());
        let mut events = events.take().expect("events");
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
