//! What is counted per portal.

use super::latency::BOUNDS;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

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
#[derive(Debug)]
pub struct PortalMetrics {
    attempts: Family<Outcome, Counter>,
    seconds: Family<Of, Histogram, fn() -> Histogram>,
    hooks: Family<Outcome, Counter>,
    shared: Family<Outcome, Counter>,
    tokens: Family<Outcome, Counter>,
    refused: Family<Outcome, Counter>,
    locked: Family<Of, Gauge>,
    breaker: Family<Of, Gauge>,
    trouble: Family<Of, Gauge>,
    oldest: Family<Of, Gauge>,
    waiting: Family<Of, Gauge>,
    dead: Family<Of, Gauge>,
    quarantined: Family<Of, Gauge>,
    refused_hooks: Family<Of, Gauge>,
}

impl PortalMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str| {
            let family = Family::<Outcome, Counter>::default();
            registry.register(name, help, family.clone());
            family
        };
        let attempts = counter("portal_attempts", "Webhooks sent to portals, by outcome");
        let hooks = counter("portal_hooks", "Webhooks received from portals, by outcome");
        let shared =
            counter("portal_external_conflicts", "Ids of portals' conversations met that several sessions have");
        let tokens = counter("portal_tokens", "Calls of token endpoints of portals, by outcome");
        let refused = counter("portal_refused", "Verified webhooks that were refused and kept for a while, by outcome");
        let seconds = Family::<Of, Histogram, fn() -> Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        registry.register("portal_seconds", "From sending a webhook to a portal to its answer", seconds.clone());
        let mut gauge = |name: &str, help: &str| {
            let family = Family::<Of, Gauge>::default();
            registry.register(name, help, family.clone());
            family
        };
        Self {
            attempts,
            seconds,
            hooks,
            shared,
            tokens,
            refused,
            locked: gauge("portal_locked", "1: this instance cannot open the portal's secrets, and does not serve it"),
            breaker: gauge("portal_breaker", "0: the portal is called, 1: it is tried, 2: it is left alone"),
            trouble: gauge("portal_trouble", "1: the portal as a whole is in trouble, and is sent no more than probes"),
            oldest: gauge("portal_oldest_waiting_seconds", "How long the oldest entry has waited for its portal"),
            waiting: gauge("portal_sessions_waiting", "Sessions with entries that wait for the portal"),
            dead: gauge("portal_dead_letters", "Entries given up on and not delivered since"),
            quarantined: gauge("portal_quarantined", "Events of portals kept in quarantine"),
            refused_hooks: gauge("portal_refused_hooks", "Refused webhooks of portals that are kept for a while"),
        }
    }

    /// A webhook was answered, well or not, after so long.
    pub fn answered(&self, portal: &str, took: Duration) {
        self.seconds.get_or_create(&Of { portal: portal.into() }).observe(took.as_secs_f64());
    }

    /// A webhook was sent: the word of its class; or an entry was given up on: dead.
    pub fn attempted(&self, portal: &str, outcome: &'static str) {
        self.attempts.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// A webhook came: stored (again, too), passed_over, challenge, quarantined, expired, unknown_session, conflict, unverified, unmapped, too_large,
    /// locked, failed.
    pub fn received(&self, portal: &str, outcome: &'static str) {
        self.hooks.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// An id of the portal's was met that several sessions have: a session was told it, or a webhook that names it was delivered
    /// by the rule, refused or quarantined.
    pub fn shared(&self, portal: &str, outcome: &'static str) {
        self.shared.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// Events in quarantine were thrown away: nobody told their conversation in time.
    pub fn expired(&self, portal: &str, events: u64) {
        self.hooks.get_or_create(&Outcome { portal: portal.into(), outcome: "expired" }).inc_by(events);
    }

    /// Refused webhooks were kept (repeats, too), or replayed and taken; or they are gone: dropped, because there was no room for
    /// them, or expired.
    pub fn refused(&self, portal: &str, outcome: &'static str, hooks: u64) {
        self.refused.get_or_create(&Outcome { portal: portal.into(), outcome }).inc_by(hooks);
    }

    /// How many refused webhooks are kept.
    pub fn refused_hooks(&self, portal: &str, hooks: u64) {
        self.refused_hooks.get_or_create(&Of { portal: portal.into() }).set(hooks.cast_signed());
    }

    /// A token endpoint was asked: renewed, revoked, credentials, throttled, down.
    pub fn renewed(&self, portal: &str, outcome: &'static str) {
        self.tokens.get_or_create(&Outcome { portal: portal.into(), outcome }).inc();
    }

    /// Whether this instance cannot open its secrets.
    pub fn locked(&self, portal: &str, is: bool) {
        self.locked.get_or_create(&Of { portal: portal.into() }).set(i64::from(is));
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

    /// Whether something is the matter with the portal as a whole.
    pub fn trouble(&self, portal: &str, is: bool) {
        self.trouble.get_or_create(&Of { portal: portal.into() }).set(i64::from(is));
    }

    /// A portal was deleted: what was said of it is no more.
    pub fn forget(&self, portal: &str) {
        let of = Of { portal: portal.into() };
        for family in [
            &self.breaker,
            &self.trouble,
            &self.oldest,
            &self.waiting,
            &self.dead,
            &self.quarantined,
            &self.refused_hooks,
        ] {
            family.remove(&of);
        }
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
