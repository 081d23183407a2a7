//! What is counted per portal.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    portal: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    portal: String,
    outcome: &'static str,
}

/// The portals' counters of one instance. Labels are ids of portals that are in the store, never what a stranger says.
#[derive(Debug, Default)]
pub struct PortalMetrics {
    attempts: Family<Outcome, Counter>,
    hooks: Family<Outcome, Counter>,
    breaker: Family<Of, Gauge>,
    oldest: Family<Of, Gauge>,
    waiting: Family<Of, Gauge>,
    dead: Family<Of, Gauge>,
    quarantined: Family<Of, Gauge>,
}

impl PortalMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        registry.register("portal_attempts", "Webhooks sent to portals, by outcome", all.attempts.clone());
        registry.register("portal_hooks", "Webhooks received from portals, by outcome", all.hooks.clone());
        registry.register(
            "portal_breaker",
            "0 while a portal is called, 1 while it is tried, 2 while it is left alone",
            all.breaker.clone(),
        );
        let oldest = "How long the oldest entry has waited for its portal, in seconds";
        registry.register("portal_oldest_waiting_seconds", oldest, all.oldest.clone());
        registry.register(
            "portal_sessions_waiting",
            "Sessions with entries that wait for the portal",
            all.waiting.clone(),
        );
        registry.register("portal_dead_letters", "Entries given up on and not delivered since", all.dead.clone());
        registry.register("portal_quarantined", "Events of portals kept in quarantine", all.quarantined.clone());
        all
    }

    /// A webhook was sent: taken, failed, refused, gone; or an entry was given up on: dead.
    pub fn attempted(&self, portal: &str, outcome: &'static str) {
        self.attempts.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// A webhook came: stored (again, too), passed_over, challenge, quarantined, unknown_session, unverified, unmapped, too_large,
    /// failed.
    pub fn received(&self, portal: &str, outcome: &'static str) {
        self.hooks.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// Where the breaker stands: closed, half_open or open.
    pub fn breaker(&self, portal: &str, state: &str) {
        let number = match state {
            "closed" => 0,
            "half_open" => 1,
            _ => 2,
        };
        self.breaker.get_or_create(&Of { portal: portal.into() }).set(number);
    }

    /// What waits: seconds of the oldest, sessions, dead letters, events in quarantine.
    pub fn backlog(&self, portal: &str, [oldest, waiting, dead, quarantined]: [i64; 4]) {
        let of = Of { portal: portal.into() };
        self.oldest.get_or_create(&of).set(oldest);
        self.waiting.get_or_create(&of).set(waiting);
        self.dead.get_or_create(&of).set(dead);
        self.quarantined.get_or_create(&of).set(quarantined);
    }
}
