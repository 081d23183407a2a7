//! What is counted, for `/metrics`. Every floor counts here; nothing is decided by it.

use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::sync::atomic::{AtomicU64, Ordering};

mod latency;
mod methods;
mod portals;
mod process;
#[cfg(test)]
mod queries;
mod store;
mod strangers;
mod tokens;

pub use latency::Latency;
pub use methods::{MethodMetrics, Outcomes};
pub use portals::PortalMetrics;
pub use store::StoreStanding;
pub use strangers::StrangerMetrics;
pub use tokens::TokenMetrics;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, where the build was told: `HUBBUB_COMMIT`.
pub const COMMIT: &str = match option_env!("HUBBUB_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Both, for people; the version alone where the build was not told of a commit.
pub fn version() -> String {
    option_env!("HUBBUB_COMMIT").map_or_else(|| VERSION.to_owned(), |commit| format!("{VERSION} ({commit})"))
}

/// All counters of one instance.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What has no prefix of ours.
    process: Registry,
    /// How long things take.
    pub latency: Latency,
    /// Messages and other entries committed here.
    pub appended: Counter,
    /// Sends recognised by their key.
    pub repeated: Counter,
    /// Sends answered "busy" or "unavailable".
    pub refused: Counter,
    /// Transactions of the group commit.
    pub commits: Counter,
    /// Drafts per transaction.
    pub commit_size: Histogram,
    /// Wakes taken in from the bus.
    pub wakes: Counter,
    /// Wakes that could not be read.
    pub strange_wakes: Counter,
    /// Times the bus may have lost something.
    pub bus_lost: Counter,
    /// Lanes on which something was lost, noticed by a later payload.
    pub lost_by_gap: Counter,
    /// The same, noticed by what the publisher says of its numbers.
    pub lost_by_beat: Counter,
    /// The same, of a publisher that is heard for the first time.
    pub lost_first: Counter,
    /// Signals of rooms that readers here were told.
    pub signals: Counter,
    /// Signals of rooms that nobody here was told: too many, too late, or without anybody who wants them.
    pub signals_dropped: Counter,
    /// Times the members here of a room were told that something has happened.
    pub activity: Counter,
    /// Reads of users' rooms and of rooms' members for that.
    pub activity_reads: Counter,
    /// Connections that are told of all rooms of their users.
    pub watching: Gauge,
    /// Instances that live and are not heard on the bus.
    pub silent: Gauge,
    /// Features that an instance which lives does not know: nothing of them is taken.
    pub features_off: Gauge,
    /// What the bus counts: published, dropped, heard, redials.
    bus: [Counter; 4],
    /// 1 while wakes travel.
    pub bus_up: Gauge,
    /// Whether the store answers.
    pub store: StoreStanding,
    /// Entries written to sockets.
    pub delivered: Counter,
    /// Reads of the log made in order to deliver: 0 on a healthy bus with readers that keep up.
    pub log_reads: Counter,
    /// The part of them made by feeds, to close a gap.
    pub gap_reads: Counter,
    /// Times a head was found ahead of its feed by the sweep and not by a wake.
    pub repaired: Counter,
    /// Rooms with a reader here.
    pub feeds: Gauge,
    /// Bytes in their rings.
    pub ring_bytes: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Of an instance that goes: connections that have not been told yet.
    pub draining: Gauge,
    /// When the TLS certificate in use expires, in seconds since 1970; 0 without TLS.
    pub tls_not_after: Gauge,
    /// TLS certificates that could not be used.
    pub tls_failures: Counter,
    /// Subscriptions to rooms.
    pub subscriptions: Gauge,
    /// Queries that answered subscribe look-ups.
    pub look_up_queries: Counter,
    /// Look-ups they answered.
    pub look_ups: Counter,
    /// Writes of read marks.
    pub mark_writes: Counter,
    /// Marks they wrote.
    pub marks: Counter,
    /// Epoch changes noticed.
    pub epochs: Counter,
    /// Connections that are streams, with their commands in requests apart.
    pub streams: Gauge,
    /// Commands of streams passed on to other instances.
    pub commands_forwarded: Counter,
    /// Such commands dropped where they arrived: too much waited.
    pub commands_dropped: Counter,
    /// Commands of streams that may have been lost on their way to another instance: their streams were ended.
    pub commands_lost: Counter,
    /// Times the keys of tokens were fetched.
    pub jwks_fetched: Counter,
    /// Times they could not be.
    pub jwks_failed: Counter,
    /// When they were fetched last, in seconds since 1970; 0: never.
    pub jwks_fetched_at: Gauge,
    /// How many of them can be used.
    pub jwks_keys: Gauge,
    /// Pages of the log that another reader's read answered.
    pub pages_shared: Counter,
    /// Bytes of pages kept for others.
    pub page_bytes: Gauge,
    /// Connections that have been let in and have not caught up.
    pub arriving: Gauge,
    /// Upgrades refused because too many were arriving, or connected.
    pub arrivals_refused: Counter,
    /// What was refused because one user has used what there is.
    pub over_quota: Counter,
    /// What is counted per method.
    pub methods: MethodMetrics,
    /// What is counted per portal.
    pub portals: PortalMetrics,
    /// What is counted of tokens.
    pub tokens: TokenMetrics,
    /// What is counted of those who have not said who they are.
    pub strangers: StrangerMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hubbub");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let appended = counter("entries_appended", "Entries committed by this instance");
        let repeated = counter("sends_repeated", "Sends recognised by their key");
        let refused = counter("sends_refused", "Sends answered busy or unavailable");
        let commits = counter("commits", "Transactions of the group commit");
        let wakes = counter("wakes", "Wakes taken in from the bus");
        let strange_wakes = counter("wakes_unreadable", "Wakes that could not be read");
        let bus_lost = counter("bus_lost", "Times the bus may have lost something");
        let lost_by_gap = counter("lost_by_gap", "Lanes that lost something, noticed by a later payload");
        let lost_by_beat = counter("lost_by_beat", "Lanes that lost something, noticed by a heartbeat");
        let lost_first = counter("lost_first_heard", "Lanes of a publisher heard for the first time");
        let signals = counter("signals", "Signals of rooms that readers here were told");
        let signals_dropped = counter("signals_dropped", "Signals of rooms that nobody here was told");
        let activity = counter("activity", "Times the members here of a room were told that something has happened");
        let activity_reads = counter("activity_reads", "Reads of rooms and members in order to tell of activity");
        let bus = [
            counter("bus_published", "Payloads published and answered for"),
            counter("bus_dropped", "Payloads that were dropped, or whose outcome is unknown"),
            counter("bus_heard", "Payloads heard"),
            counter("bus_redials", "Dials of the bus after the first"),
        ];
        let delivered = counter("entries_delivered", "Entries written to sockets");
        let log_reads = counter("log_reads", "Reads of the log made in order to deliver");
        let gap_reads = counter("gap_reads", "Reads of the log made by feeds to close a gap");
        let repaired = counter("sweep_repairs", "Heads found ahead by the sweep before any wake told");
        let look_up_queries = counter("look_up_queries", "Queries that answered subscribe look-ups");
        let look_ups = counter("look_ups", "Subscribe look-ups");
        let mark_writes = counter("read_mark_writes", "Writes of read marks");
        let marks = counter("read_marks", "Read marks that were written");
        let tls_failures = counter("tls_reload_failures", "New TLS certificates that could not be used");
        let epochs = counter("epoch_changes", "Epoch changes noticed");
        let commands_forwarded = counter("commands_forwarded", "Commands of streams passed on to other instances");
        let commands_lost = counter("commands_lost", "Forwarded commands without a receipt in time");
        let commands_dropped = counter("commands_dropped", "Forwarded commands dropped because too much waited");
        let jwks_fetched = counter("jwks_fetched", "Times the keys of tokens were fetched");
        let jwks_failed = counter("jwks_failed", "Times the keys of tokens could not be fetched or used");
        let pages_shared = counter("pages_shared", "Pages of the log that another reader's read answered");
        let arrivals_refused = counter("arrivals_refused", "Clients turned away because too many came at once");
        let over_quota = counter("over_quota", "Refusals because one user has used what there is");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let silent = gauge("silent_instances", "Instances that live and are not heard on the bus");
        let features_off =
            gauge("features_off", "Features that are off because an instance that runs does not know them");
        let bus_up = gauge("bus_up", "1 while wakes travel between instances");
        let store = StoreStanding::new(gauge("store_up", "1 while the store answers"));
        let feeds = gauge("feeds", "Rooms with a reader on this instance");
        let ring_bytes = gauge("ring_bytes", "Bytes of recent entries kept for readers");
        let connections = gauge("connections", "Open client connections");
        let draining = gauge("connections_draining", "Connections of an instance that goes, not yet sent elsewhere");
        let tls_not_after = gauge("tls_not_after_timestamp_seconds", "When the TLS certificate in use expires");
        let subscriptions = gauge("subscriptions", "Subscriptions to rooms");
        let watching = gauge("connections_watching", "Open client connections that are told of all their rooms");
        let streams = gauge("streams", "Open client connections that are HTTP streams");
        let jwks_fetched_at = gauge("jwks_fetched_timestamp_seconds", "When the keys of tokens were fetched last");
        let jwks_keys = gauge("jwks_keys", "Fetched keys that tokens may be signed with");
        let page_bytes = gauge("page_bytes", "Bytes of pages of the log kept for other readers");
        let arriving = gauge("arriving", "Connections that were let in and have not caught up");
        let commit_size = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        registry.register("commit_size", "Drafts per transaction", commit_size.clone());
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build.get_or_create(&vec![("version", VERSION), ("commit", COMMIT)]).set(1);
        registry.register("build_info", "1, with the version and the commit it was built from", build);
        let mut process = Registry::default();
        process.register_collector(Box::new(process::Process));
        let latency = Latency::register(&mut registry);
        let methods = MethodMetrics::register(&mut registry);
        let portals = PortalMetrics::register(&mut registry);
        let tokens = TokenMetrics::register(&mut registry);
        let strangers = StrangerMetrics::register(&mut registry);
        Self {
            registry,
            process,
            latency,
            methods,
            portals,
            tokens,
            strangers,
            appended,
            repeated,
            refused,
            commits,
            commit_size,
            wakes,
            strange_wakes,
            bus_lost,
            lost_by_gap,
            lost_by_beat,
            lost_first,
            signals,
            signals_dropped,
            activity,
            activity_reads,
            watching,
            silent,
            features_off,
            bus,
            bus_up,
            store,
            delivered,
            log_reads,
            gap_reads,
            repaired,
            feeds,
            ring_bytes,
            connections,
            draining,
            tls_not_after,
            tls_failures,
            subscriptions,
            look_up_queries,
            look_ups,
            mark_writes,
            marks,
            epochs,
            streams,
            commands_forwarded,
            commands_dropped,
            commands_lost,
            jwks_fetched,
            jwks_failed,
            jwks_fetched_at,
            jwks_keys,
            pages_shared,
            page_bytes,
            arriving,
            arrivals_refused,
            over_quota,
        }
    }
}

impl Metrics {
    /// Takes over what the bus counts for itself: published, dropped, heard, redials.
    pub fn take_bus(&self, counted: [&AtomicU64; 4]) {
        for (counter, counted) in self.bus.iter().zip(counted) {
            counter.inner().store(counted.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// The store has answered a batch after so long.
    pub fn committed(&self, took: std::time::Duration) {
        self.latency.commit.observe(took.as_secs_f64());
        self.store.took(took);
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode_registry(&mut text, &self.registry);
        let _ = encode_registry(&mut text, &self.process);
        let _ = encode_eof(&mut text);
        text
    }
}
