//! What is counted per method.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    outcome: &'static str,
}

/// Calls of all methods, by `rpc` and over REST. Labels are names of the table, never what a stranger says.
#[derive(Debug, Clone, Default)]
pub struct MethodMetrics {
    calls: Family<Labels, Counter>,
}

impl MethodMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut counter =
            |name: &str, help: &str, family: Family<Labels, Counter>| registry.register(name, help, family);
        let calls = Self::default();
        counter("methods", "Calls of methods by rpc and over REST, by outcome", calls.calls.clone());
        calls
    }

    /// The counters of one method, to be kept: counting takes no lock.
    pub fn of(&self, method: &'static str) -> Outcomes {
        let of = |outcome| self.calls.get_or_create(&Labels { method, outcome }).clone();
        Outcomes { done: of("done"), refused: of("refused"), failed: of("failed") }
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
