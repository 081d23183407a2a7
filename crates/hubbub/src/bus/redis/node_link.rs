//! One node of Redis, and the lanes that travel through it: a connection that publishes and one that subscribes.

use super::{
    Channels,
    nodes::Node,
    publisher::Publisher,
    subscriber::Subscriber,
    target::{Kind, Target},
};
use crate::bus::{
    BusCounters, Health,
    intake::Intake,
    link::Link,
    outbound::{self, OutboundSender},
    probes::Probes,
};
use std::sync::Arc;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

/// What links notify the bus of.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// A node fails or has moved: it is time to ask again which node carries what.
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
    pub signals: Arc<Signals>,
}

/// See the module. Its tasks and connections end when it is dropped.
#[derive(Debug)]
pub(super) struct NodeLink {
    pub(super) node: Node,
    /// What is to be published through this node.
    pub(super) queue: OutboundSender,
    probes: Arc<Probes>,
    _tasks: JoinSet<()>,
}

impl NodeLink {
    /// Begins to dial.
    pub(super) fn start(shared: &Shared, node: Node) -> Self {
        let channels = Arc::new(Channels {
            lanes: shared.channels.clone(),
            heard: node.lanes.clone(),
            probe: node.probe.clone(),
            sharded: shared.target.kind == Kind::Cluster,
            master: matches!(shared.target.kind, Kind::Sentinel(_)),
        });
        let probes = Probes::new();
        let (queue, queued) = outbound::queue(shared.counters.clone());
        let publisher = Publisher {
            target: shared.target.clone(),
            node: node.at.clone(),
            channels: channels.clone(),
            probes: probes.clone(),
            signals: shared.signals.clone(),
        };
        let subscriber = Subscriber {
            target: shared.target.clone(),
            node: node.at.clone(),
            channels,
            intake: shared.intake.clone(),
            probes: probes.clone(),
            counters: shared.counters.clone(),
            signals: shared.signals.clone(),
        };
        let mut tasks = JoinSet::new();
        // Before the others, so that no change is overlooked.
        tasks.spawn(notify_health(probes.health(), shared.signals.clone()));
        tasks.spawn(Link::new(publisher, queued, probes.clone(), shared.counters.clone()).run());
        tasks.spawn(subscriber.run());
        Self { node, queue, probes, _tasks: tasks }
    }

    pub(super) fn is_up(&self) -> bool {
        self.probes.all_back()
    }
}

async fn notify_health(mut health: watch::Receiver<Health>, signals: Arc<Signals>) {
    while health.changed().await.is_ok() {
        signals.health.notify_one();
    }
}
