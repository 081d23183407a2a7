//! What is counted of tokens and keys, and of the clock they are judged by.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::atomic::AtomicU64;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// See the module. Labels are of a closed list, never what a stranger says.
#[derive(Debug)]
pub struct TokenMetrics {
    refused: Family<Labels, Counter>,
    /// Tokens taken that are good for longer than anybody means.
    pub long: Counter,
    /// By how many seconds the local clock is ahead of the database's.
    pub clock_offset: Seconds,
}

impl TokenMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { refused: Family::default(), long: Counter::default(), clock_offset: Gauge::default() };
        let mut counter =
            |name: &str, help: &str, family: Family<Labels, Counter>| registry.register(name, help, family);
        counter("tokens_refused", "Tokens and API keys that were refused, by reason", metrics.refused.clone());
        let mut counter = |name: &str, help: &str, counter: Counter| registry.register(name, help, counter);
        counter("tokens_long", "Tokens taken that expire in more than ten years", metrics.long.clone());
        let mut gauge = |name: &str, help: &str, gauge: Seconds| registry.register(name, help, gauge);
        gauge("clock_offset_seconds", "How far this clock is ahead of the database's", metrics.clock_offset.clone());
        metrics
    }

    /// A token or a key was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Labels { reason }).inc();
    }
}
