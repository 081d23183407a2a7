//! Redis Pub/Sub. Nothing is stored in Redis, so nothing stays behind there when an instance dies.
//!
//! A [`node_link`] is one node with two plain connections that are dialled independently of each other: [`publisher`] and
//! [`subscriber`]. The client library's own reconnecting is not used: by default it gives up silently after six retries. A
//! single Redis, or the master that Sentinels name, carries all lanes through one link. In a cluster channels are sharded, and
//! each node that carries lanes has a link. [`nodes`] finds out which node carries what.

mod node_link;
mod nodes;
mod publisher;
mod subscriber;
mod target;

use super::{
    Bus, BusCounters, BusEvent, BusUrlError, Health,
    counters::add,
    intake::{Events, Intake},
    redial::Redial,
};
use crate::crypto::login::Place;
use ::redis::{AsyncConnectionConfig, Client, PushInfo, RedisError, aio::MultiplexedConnection, cmd};
use bytes::Bytes;
use futures_util::FutureExt;
use hubbub_core::limits;
use node_link::{NodeLink, Shared, Signals};
use nodes::{Node, Nodes};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use target::{HostPort, Target, explain};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};
use uuid::Uuid;

/// How often it is asked which node carries which lanes, where that may change. Also without any trouble: an old master that is
/// cut off from its Sentinels may go on talking to us.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How soon it is asked again when there is trouble.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The streams that probes go through: one for each link, however many lanes that carries.
const PROBED: [u16; 1] = [0];

/// A bus over Redis Pub/Sub. Its tasks and connections end when it is dropped.
#[derive(Debug)]
pub struct RedisBus {
    routes: Routes,
    events: Events,
    health: watch::Sender<Health>,
    counters: Arc<BusCounters>,
    _tasks: JoinSet<()>,
}

/// By lane, the link that carries it. None: it is not known yet.
#[derive(Debug, Clone)]
struct Routes(Arc<Mutex<Vec<Option<Arc<NodeLink>>>>>);

/// The channels of one namespace, and the one that this instance sends itself probes through on one node.
#[derive(Debug)]
struct Channels {
    /// By lane.
    lanes: Arc<Vec<String>>,
    /// The lanes that this node carries.
    heard: Vec<u16>,
    probe: String,
    /// Whether they are sharded, as they are in a cluster: it would send what is published on others to every node.
    sharded: bool,
    /// Whether the node must be a master: what is published on a replica does not reach the others.
    master: bool,
}

impl Channels {
    const fn publish(&self) -> &'static str {
        if self.sharded { "SPUBLISH" } else { "PUBLISH" }
    }
}

impl RedisBus {
    /// Checks a URL without dialling. Returns what to show people: where the bus is, and nothing secret.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(at: impl Into<Place>) -> Result<String, BusUrlError> {
        Target::parse(at).map(|target| target.shown())
    }

    /// Starts it; a Redis that cannot be reached is dialled for ever. Instances hear each other within a namespace.
    ///
    /// # Errors
    /// Only for a URL that cannot be understood, or that names certificates that cannot be read.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(at: impl Into<Place>, namespace: &str) -> Result<Self, BusUrlError> {
        let target = Target::parse(at)?;
        let channels: Arc<Vec<String>> =
            Arc::new((0..limits::LANES).map(|lane| format!("hubbub:{namespace}:lane:{lane}")).collect());
        let probe = format!("hubbub:{namespace}:probe:{}", Uuid::new_v4());
        let counters = Arc::new(BusCounters::default());
        let (intake, events) = Intake::new(limits::BUS_INTAKE, counters.clone());
        let signals = Arc::<Signals>::default();
        let nodes = Nodes::new(target.clone(), channels.to_vec());
        let shared = Shared { target, channels, intake, counters: counters.clone(), signals: signals.clone() };
        let routes = Routes(Arc::new(Mutex::new(vec![None; usize::from(limits::LANES)])));
        let health = watch::Sender::new(Health::Down);
        let mut tasks = JoinSet::new();
        match nodes.single(&probe) {
            Some(node) => routes.lead_through(&shared, vec![node]),
            None => drop(tasks.spawn(follow(nodes, probe, shared, routes.clone()))),
        }
        tasks.spawn(tell_health(routes.clone(), signals, health.clone()));
        Ok(Self { routes, events, health, counters, _tasks: tasks })
    }
}

impl Bus for RedisBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        let link = self.routes.lock().get(usize::from(lane)).and_then(Clone::clone);
        match link {
            Some(link) => link.queue.put(lane, payload),
            None => add(&self.counters.dropped, 1),
        }
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.take()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.counters.clone())
    }
}

impl Routes {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Arc<NodeLink>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads lanes through these nodes from now on. A link is kept if its node and that node's lanes are the same as before; the
    /// others end. New links report a loss once they have subscribed: something may have passed unheard until then.
    fn lead_through(&self, shared: &Shared, nodes: Vec<Node>) {
        let before: Vec<Arc<NodeLink>> = self.lock().iter().flatten().cloned().collect();
        let mut after = vec![None; usize::from(limits::LANES)];
        for node in nodes {
            // The probe's channel is compared, too: its slot may have moved alone.
            let same = before.iter().find(|link| link.node == node);
            let link = match same {
                Some(link) => link.clone(),
                None => {
                    tracing::debug!(node = %node.at, lanes = node.lanes.len(), "lanes of the bus travel through this node");
                    Arc::new(NodeLink::start(shared, node))
                }
            };
            for lane in &link.node.lanes {
                after[usize::from(*lane)] = Some(link.clone());
            }
        }
        let before = std::mem::replace(&mut *self.lock(), after);
        drop(before);
        shared.signals.health.notify_one();
    }

    fn health(&self) -> Health {
        let all = self.lock().iter().all(|link| link.as_ref().is_some_and(|link| link.is_up()));
        if all { Health::Up } else { Health::Down }
    }
}

/// Leads lanes through whichever nodes carry them now: the master that Sentinels name, or the nodes of a cluster. Asks again
/// whenever a link is in trouble.
async fn follow(mut nodes: Nodes, probe: String, shared: Shared, routes: Routes) {
    let mut redial = Redial::new("redis topology", shared.counters.clone());
    loop {
        let pause = match nodes.ask(&probe).await {
            Ok(found) => {
                routes.lead_through(&shared, found);
                redial.works();
                // The trouble notified until now may have been that of links that are gone. One that stays notifies again.
                let _ = shared.signals.trouble.notified().now_or_never();
                ASK_AGAIN
            }
            Err(reason) => redial.failed(&reason),
        };
        sleep(pause).await;
        tokio::select! {
            () = shared.signals.trouble.notified() => {}
            () = sleep(ASK_EVERY), if !redial.is_out() => {}
            () = sleep(pause), if redial.is_out() => {}
        }
        if routes.health() == Health::Down {
            nodes.doubt();
        }
    }
}

async fn tell_health(routes: Routes, signals: Arc<Signals>, told: watch::Sender<Health>) {
    loop {
        let health = routes.health();
        told.send_if_modified(|told| std::mem::replace(told, health) != health);
        signals.health.notified().await;
    }
}

/// Dials one plain connection to a node. Its reader calls `pushed`, which must not block. The connection closes when it is dropped.
async fn dial(
    target: &Target,
    node: &HostPort,
    channels: &Channels,
    pushed: impl Fn(PushInfo) + Send + Sync + 'static,
) -> Result<MultiplexedConnection, String> {
    let client = target.client(node)?;
    set_up(client, channels, pushed).await.map_err(|error| explain(&error))
}

async fn set_up(
    client: Client,
    channels: &Channels,
    pushed: impl Fn(PushInfo) + Send + Sync + 'static,
) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits::BUS_PATIENCE))
        .set_response_timeout(Some(limits::BUS_PATIENCE))
        .set_push_sender(move |info| {
            pushed(info);
            Ok::<_, std::convert::Infallible>(())
        });
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    if channels.master {
        let role: Vec<::redis::Value> = cmd("ROLE").query_async(&mut connection).await?;
        if role.first() != Some(&::redis::Value::BulkString(b"master".to_vec())) {
            let why = (::redis::ErrorKind::Client, "it is a replica: the Sentinels do not know its master yet");
            return Err(why.into());
        }
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[tokio::test]
    async fn a_url_that_cannot_be_understood_is_refused_without_repeating_it() {
        for url in ["", "postgres://ana:hunter2@localhost", "redis://:hunter2@localhost/x", "redis://:hunter2@"] {
            let error = RedisBus::start(url, "n").unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn more_than_the_outbox_is_dropped_and_counted() {
        let bus = RedisBus::start("redis://127.0.0.1:1", "n").unwrap();
        for _ in 0..limits::BUS_OUTBOX + 7 {
            bus.publish(0, Bytes::from_static(b"a"));
        }
        bus.publish(limits::LANES, Bytes::from_static(b"a"));
        assert_eq!(bus.counters().expect("counters").dropped.load(Ordering::Relaxed), 8);
        let big = Bytes::from(vec![0; limits::BUS_OUTBOX_BYTES]);
        bus.publish(0, big);
        assert_eq!(bus.counters().expect("counters").dropped.load(Ordering::Relaxed), 9);
    }
}
