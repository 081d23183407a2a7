//! What is counted per method.

use super::latency::BOUNDS;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    method: &'static str,
}

/// Calls of all methods, by `rpc` and over REST. Labels are names of the table, never what a stranger says.
#[derive(Debug, Clone)]
pub struct MethodMetrics {
    calls: Family<Labels, Counter>,
    http: Family<Of, Histogram, fn() -> Histogram>,
}

impl Default for MethodMetrics {
    fn default() -> Self {
        Self { calls: Family::default(), http: Family::new_with_constructor(|| Histogram::new(BOUNDS)) }
    }
}

impl MethodMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut counter =
            |name: &str, help: &str, family: Family<Labels, Counter>| registry.register(name, help, family);
        let all = Self::default();
        counter("methods", "Calls of methods by rpc and over REST, by outcome", all.calls.clone());
        registry.register("http_seconds", "From a request over REST to its answer, by method", all.http.clone());
        all
    }

    /// The counters of one method, to be kept: counting takes no lock.
    pub fn of(&self, method: &'static str) -> Outcomes {
        let of = |outcome| self.calls.get_or_create(&Labels { method, outcome }).clone();
        Outcomes { done: of("done"), refused: of("refused"), failed: of("failed") }
    }

    /// How long requests for one method take over REST, to be kept.
    pub fn http(&self, method: &'static str) -> Histogram {
        self.http.get_or_create(&Of { method }).clone()
    }
}

/// What became of the calls of one method.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// It was done.
    pub done: Counter,
    /// The caller was told why not.
    pub refused: Counter,
    /// The server was busy, or without its store.
    pub failed: Counter,
}

impl Outcomes {
    /// A call has come to its end, well or not; of one that was not done, whether that is the server's doing.
    pub fn count(&self, done: Result<(), bool>) {
        match done {
            Ok(()) => self.done.inc(),
            Err(false) => self.refused.inc(),
            Err(true) => self.failed.inc(),
        };
    }
}
