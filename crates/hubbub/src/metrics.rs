//! What is counted, for `/metrics`. Every floor counts here; nothing is decided by it.

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// All counters of one instance.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
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
    /// 1 while wakes travel.
    pub bus_up: Gauge,
    /// 1 while the store answers.
    pub store_up: Gauge,
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
    /// Subscriptions to rooms.
    pub subscriptions: Gauge,
    /// Queries that answered subscribe look-ups.
    pub look_up_queries: Counter,
    /// Look-ups they answered.
    pub look_ups: Counter,
    /// Epoch changes noticed.
    pub epochs: Counter,
    /// Pages of the log that another reader's read answered.
    pub pages_shared: Counter,
    /// Bytes of pages kept for others.
    pub page_bytes: Gauge,
    /// Connections that have been let in and have not caught up.
    pub arriving: Gauge,
    /// Upgrades refused because too many were arriving, or connected.
    pub arrivals_refused: Counter,
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
        let delivered = counter("entries_delivered", "Entries written to sockets");
        let log_reads = counter("log_reads", "Reads of the log made in order to deliver");
        let gap_reads = counter("gap_reads", "Reads of the log made by feeds to close a gap");
        let repaired = counter("sweep_repairs", "Heads found ahead by the sweep before any wake told");
        let look_up_queries = counter("look_up_queries", "Queries that answered subscribe look-ups");
        let look_ups = counter("look_ups", "Subscribe look-ups");
        let epochs = counter("epoch_changes", "Epoch changes noticed");
        let pages_shared = counter("pages_shared", "Pages of the log that another reader's read answered");
        let arrivals_refused = counter("arrivals_refused", "Clients turned away because too many came at once");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let bus_up = gauge("bus_up", "1 while wakes travel between instances");
        let store_up = gauge("store_up", "1 while the store answers");
        let feeds = gauge("feeds", "Rooms with a reader on this instance");
        let ring_bytes = gauge("ring_bytes", "Bytes of recent entries kept for readers");
        let connections = gauge("connections", "Open client connections");
        let subscriptions = gauge("subscriptions", "Subscriptions to rooms");
        let page_bytes = gauge("page_bytes", "Bytes of pages of the log kept for other readers");
        let arriving = gauge("arriving", "Connections that were let in and have not caught up");
        let commit_size = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        registry.register("commit_size", "Drafts per transaction", commit_size.clone());
        store_up.set(1);
        Self {
            registry,
            appended,
            repeated,
            refused,
            commits,
            commit_size,
            wakes,
            strange_wakes,
            bus_lost,
            bus_up,
            store_up,
            delivered,
            log_reads,
            gap_reads,
            repaired,
            feeds,
            ring_bytes,
            connections,
            subscriptions,
            look_up_queries,
            look_ups,
            epochs,
            pages_shared,
            page_bytes,
            arriving,
            arrivals_refused,
        }
    }
}

impl Metrics {
    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
