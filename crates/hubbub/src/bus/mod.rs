//! What carries wakes between instances, and keeps nothing. Every bus passes one conformance suite.

use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

mod address;
mod counters;
mod ears;
mod intake;
#[cfg(feature = "kafka")]
pub mod kafka;
mod line;
pub mod local;
pub mod nats;
mod packet;
pub mod postgres;
pub mod redis;

pub use address::AddressError;
pub use counters::BusCounters;

/// What an instance hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// One published payload, exactly as published; payloads of one publisher and lane in their order.
    Heard(Bytes),
    /// Some may have been lost: compare heads with the store now.
    Lost,
}

/// Whether wakes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Wakes travel both ways, as far as this instance can tell.
    Up,
    /// They do not, or this cannot be told: heads are polled.
    Down,
    /// There is no bus to other instances, by configuration.
    Alone,
}

/// A bus. Whoever publishes may hear its own payloads again (its feeds drop them as duplicates), or not.
pub trait Bus: Send + Sync + 'static {
    /// Announces `payload` on `lane`. Never waits: what cannot go out is dropped, and counted by the implementation.
    fn publish(&self, lane: u16, payload: Bytes);

    /// What is heard, from now on; all lanes are subscribed before the first [`Health::Up`]. Taken once.
    fn events(&self) -> Option<mpsc::Receiver<BusEvent>>;

    /// Whether wakes travel, and every change of it.
    fn health(&self) -> watch::Receiver<Health>;

    /// What it has counted, if it counts.
    fn counters(&self) -> Option<Arc<BusCounters>> {
        None
    }
}
