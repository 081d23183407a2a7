//! What carries wakes between instances, and keeps nothing. Every bus passes one conformance suite.
//!
//! All that go over a network publish through one loop ([`link`]), fed from a bounded queue ([`outbound`]); they work while
//! their [`probes`] come back; and what they hear goes into a bounded queue ([`intake`]). NATS, Kafka and Postgres are brokers
//! of [`packets`]. Redis publishes payloads as they are, one by one, through one link for each node.

use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

mod address;
mod counters;
mod intake;
#[cfg(feature = "kafka")]
pub mod kafka;
mod link;
pub mod local;
pub mod nats;
mod outbound;
mod packets;
pub mod postgres;
mod probes;
mod redial;
pub mod redis;

pub use address::BusUrlError;
pub use counters::BusCounters;
pub use packets::PacketBus;

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
    /// They do not, or it is not known whether they do: heads are polled.
    Down,
    /// There is no bus to other instances, by configuration.
    Alone,
}

/// A bus. Whoever publishes may hear its own payloads again (its feeds drop them as duplicates), or not.
pub trait Bus: Send + Sync + 'static {
    /// Publishes `payload` on `lane`. Never waits: what cannot be published is dropped and counted.
    fn publish(&self, lane: u16, payload: Bytes);

    /// What is heard from now on. All lanes are subscribed before the first [`Health::Up`]. Nothing, from the second call on.
    fn events(&self) -> Option<mpsc::Receiver<BusEvent>>;

    /// Whether wakes travel, and every change of it.
    fn health(&self) -> watch::Receiver<Health>;

    /// What it has counted, if it counts.
    fn counters(&self) -> Option<Arc<BusCounters>> {
        None
    }
}
