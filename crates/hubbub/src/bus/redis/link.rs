//! One node of Redis, and the lanes that travel through it: a connection that publishes and one that hears.

use super::{
    Channels, Outgoing,
    nodes::Node,
    probe::Probe,
    publisher::Publisher,
    subscriber::Subscriber,
    target::{Kind, Target},
};
use crate::bus::{BusCounters, Health, counters::add, intake::Intake};
use ::redis::RedisError;
use hubbub_core::limits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

/// Rung by links.
#[derive(Debug, Default)]
pub(super) struct Bells {
    /// A node fails or has moved on: ask where lanes travel.
    pub trouble: Notify,
    /// The health of a link has changed.
    pub health: Notify,
}

/// What all links share.
#[derive(Clone)]
pub(super) struct Shared {
    pub target: Target,
    pub channels: Arc<Vec<String>>,
    pub intake: Intake,
    pub counters: Arc<BusCounters>,
    pub bells: Arc<Bells>,
}

/// See the module. Its tasks and connections end when it is dropped.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) node: Node,
    outbox: mpsc::Sender<Outgoing>,
    outbox_bytes: Arc<AtomicUsize>,
    probe: Arc<Probe>,
    counters: Arc<BusCounters>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// Begins to dial.
    pub(super) fn start(shared: &Shared, node: Node) -> Result<Self, RedisError> {
        let client = shared.target.client(&node.at)?;
        let channels = Arc::new(Channels {
            lanes: shared.channels.clone(),
            heard: node.lanes.clone(),
            probe: node.probe.clone(),
            sharded: shared.target.kind == Kind::Cluster,
            master: matches!(shared.target.kind, Kind::Sentinel(_)),
        });
        let probe = Arc::new(Probe::new(shared.bells.clone()));
        let (outbox, waiting) = mpsc::channel(limits::BUS_OUTBOX);
        let outbox_bytes = Arc::default();
        let publisher = Publisher {
            client: client.clone(),
            channels: channels.clone(),
            outbox: waiting,
            outbox_bytes: Arc::clone(&outbox_bytes),
            probe: probe.clone(),
            counters: shared.counters.clone(),
            bells: shared.bells.clone(),
        };
        let subscriber = Subscriber {
            client,
            channels,
            intake: shared.intake.clone(),
            probe: probe.clone(),
            counters: shared.counters.clone(),
            bells: shared.bells.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(publisher.run());
        tasks.spawn(subscriber.run());
        Ok(Self { node, outbox, outbox_bytes, probe, counters: shared.counters.clone(), _tasks: tasks })
    }

    /// Whether its queue takes it.
    pub(super) fn put(&self, outgoing: Outgoing) -> bool {
        let bytes = outgoing.payload.len();
        let fits = self.outbox_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= limits::BUS_OUTBOX_BYTES;
        let put = fits && self.outbox.try_send(outgoing).is_ok();
        if !put {
            self.outbox_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        put
    }

    pub(super) fn is_up(&self) -> bool {
        self.probe.health() == Health::Up
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // What is still queued goes with it.
        let queued = self.outbox.max_capacity() - self.outbox.capacity();
        add(&self.counters.dropped, queued as u64);
    }
}
