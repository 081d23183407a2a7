//! What a bus counts, for the metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counters of one bus since it was started. They only go up.
#[derive(Debug, Default)]
pub struct BusCounters {
    /// Payloads that the broker has confirmed.
    pub published: AtomicU64,
    /// Payloads that were dropped instead of being published, or of which it is unknown whether they were published.
    pub dropped: AtomicU64,
    /// Payloads heard.
    pub heard: AtomicU64,
    /// Times the reader was told that some may have been lost.
    pub lost: AtomicU64,
    /// Dials after the first of each connection.
    pub redials: AtomicU64,
    /// By connection: what it is called, and why it does not work now.
    troubles: Mutex<BTreeMap<u64, (&'static str, String)>>,
}

impl BusCounters {
    /// Why connections do not work now, in the order in which they were first dialled.
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles();
        // Several nodes, and both connections to one, often have the same.
        let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, reason) in troubles.values() {
            match said.iter_mut().find(|(of, _)| of == reason) {
                Some((_, names)) if names.contains(name) => {}
                Some((_, names)) => names.push(name),
                None => said.push((reason, vec![name])),
            }
        }
        let said: Vec<_> = said.iter().map(|(reason, names)| format!("{}: {reason}", names.join(", "))).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    pub(super) fn troubles(&self) -> MutexGuard<'_, BTreeMap<u64, (&'static str, String)>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
