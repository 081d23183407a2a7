//! What is counted of those who have not said who they are.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

/// The strangers' counters of one instance. Labels are words of this program, never what a stranger says.
#[derive(Debug)]
pub struct StrangerMetrics {
    /// Connections that have not said who they are.
    pub here: Gauge,
    /// Bytes they have sent that are held.
    pub bytes: Gauge,
    refused: Family<Why, Counter>,
}

impl StrangerMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let here = gauge("strangers", "Connections that have not said who they are");
        let bytes = gauge("strangers_bytes", "Bytes held of requests that have not said whose they are");
        let mut counter = |name: &str, help: &str| {
            let family = Family::<Why, Counter>::default();
            registry.register(name, help, family.clone());
            family
        };
        Self { here, bytes, refused: counter("strangers_refused", "What strangers were refused, by reason") }
    }

    /// One was refused: for its address, for all; cut off for others, for its bytes, too slow; in the handshake, by its head,
    /// frame, hook, host.
    pub fn refused(&self, why: &'static str) {
        self.refused.get_or_create(&Why { why }).inc();
    }
}
