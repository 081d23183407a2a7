//! A bus within one process: alone, or between several endpoints of it.

use super::{
    Bus, BusCounters, BusEvent, Health,
    intake::{Events, Intake},
};
use bytes::Bytes;
use hubbub_core::limits;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// A bus that never leaves the process.
#[derive(Debug)]
pub struct LocalBus {
    endpoints: Arc<[Intake]>,
    events: Events,
    health: watch::Sender<Health>,
    /// An instance that is alone hears nothing; this keeps its queue from being closed.
    _silent: Option<mpsc::Sender<BusEvent>>,
}

impl LocalBus {
    /// The bus of an instance that is alone: publishing does nothing.
    pub fn alone() -> Self {
        let (silent, events) = mpsc::channel(1);
        Self {
            endpoints: Arc::new([]),
            events: events.into(),
            health: watch::Sender::new(Health::Alone),
            _silent: Some(silent),
        }
    }

    /// `n` endpoints that hear each other, and themselves. Must be called within a runtime.
    pub fn network(n: usize) -> Vec<Self> {
        let (endpoints, events): (Vec<_>, Vec<_>) =
            (0..n).map(|_| Intake::new(limits::BUS_INTAKE, Arc::new(BusCounters::default()))).unzip();
        let endpoints: Arc<[Intake]> = endpoints.into();
        let endpoint = |events| Self {
            endpoints: endpoints.clone(),
            events,
            health: watch::Sender::new(Health::Up),
            _silent: None,
        };
        events.into_iter().map(endpoint).collect()
    }
}

impl Bus for LocalBus {
    fn publish(&self, _lane: u16, payload: Bytes) {
        for endpoint in &*self.endpoints {
            endpoint.heard(payload.clone());
        }
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.take()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_alone_needs_no_runtime_and_hears_nothing() {
        let bus = LocalBus::alone();
        assert_eq!(*bus.health().borrow(), Health::Alone);
        let mut events = bus.events().unwrap();
        bus.publish(0, Bytes::from_static(b"a"));
        assert_eq!(events.try_recv(), Err(mpsc::error::TryRecvError::Empty));
        assert!(bus.events().is_none());
    }
}
