//! Redis Pub/Sub. Nothing is stored in Redis, so nothing stays behind there when an instance dies.
//!
//! A [`link`] is one node with two plain connections, each with a task and a dial loop of its own: [`publisher`] and
//! [`subscriber`]. The client's own reconnecting is not used: by default it gives up silently after six retries. [`probe`] says
//! whether both work. All lanes travel through one link; through one for each node that has any of them in a cluster, where
//! channels are sharded. [`nodes`] says which node carries what.

mod link;
mod nodes;
mod probe;
mod publisher;
mod subscriber;
mod target;

use super::{Bus, BusCounters, BusEvent, Health, counters::add, intake::Intake};
use ::redis::{AsyncConnectionConfig, Client, PushInfo, RedisError, aio::MultiplexedConnection, cmd};
use bytes::Bytes;
use futures_util::FutureExt;
use hubbub_core::{limits, model::backoff::Backoff};
use link::{Bells, Link, Shared};
use nodes::{Node, Nodes};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use target::Target;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};
use uuid::Uuid;

/// How often it is asked where lanes travel, where that may change: also without any trouble an old master, cut off from
/// its Sentinels, may go on talking to us.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How soon it is asked again while there is trouble.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Why a bus cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The URL cannot be understood. It is not repeated: it may hold a password.
    #[error("the URL of the bus cannot be understood: {0}")]
    Url(String),
}

/// A bus over Redis Pub/Sub. Its tasks and connections end when it is dropped.
#[derive(Debug)]
pub struct RedisBus {
    routes: Routes,
    events: Mutex<Option<mpsc::Receiver<BusEvent>>>,
    health: watch::Sender<Health>,
    counters: Arc<BusCounters>,
    _tasks: JoinSet<()>,
}

/// The link that each lane travels through; none: it is not known yet.
#[derive(Debug, Clone)]
struct Routes(Arc<Mutex<Vec<Option<Arc<Link>>>>>);

#[derive(Debug)]
struct Outgoing {
    lane: u16,
    payload: Bytes,
}

/// The channels of one namespace, and the one that this instance probes a node through.
#[derive(Debug)]
struct Channels {
    /// By lane.
    lanes: Arc<Vec<String>>,
    /// The lanes that travel through this node.
    heard: Vec<u16>,
    probe: String,
    /// Whether they are sharded: a cluster broadcasts others to every node.
    sharded: bool,
    /// Whether the node is to be a master: a replica hears only its own master.
    master: bool,
}

impl Channels {
    const fn publish(&self) -> &'static str {
        if self.sharded { "SPUBLISH" } else { "PUBLISH" }
    }
}

impl RedisBus {
    /// Whether a URL is of use, without dialling. Returns what to show people: where it is, and nothing secret.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(url: &str) -> Result<String, BusError> {
        Target::parse(url).map(|target| target.shown())
    }

    /// Starts it; a Redis that cannot be reached is dialled for ever. Instances hear each other within a namespace.
    ///
    /// # Errors
    /// Only for a URL that cannot be understood, or that names certificates that cannot be read.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(url: &str, namespace: &str) -> Result<Self, BusError> {
        let target = Target::parse(url)?;
        let channels: Arc<Vec<String>> =
            Arc::new((0..limits::LANES).map(|lane| format!("hubbub:{namespace}:lane:{lane}")).collect());
        let probe = format!("hubbub:{namespace}:probe:{}", Uuid::new_v4());
        let counters = Arc::new(BusCounters::default());
        let (intake, events) = Intake::new(limits::BUS_INTAKE, counters.clone());
        let bells = Arc::new(Bells::default());
        let nodes = Nodes::new(target.clone(), channels.to_vec());
        let shared = Shared { target, channels, intake, counters: counters.clone(), bells: bells.clone() };
        let routes = Routes(Arc::new(Mutex::new(vec![None; usize::from(limits::LANES)])));
        let health = watch::Sender::new(Health::Down);
        let mut tasks = JoinSet::new();
        match nodes.single(&probe) {
            Some(node) => routes.lead_through(&shared, vec![node])?,
            None => drop(tasks.spawn(follow(nodes, probe, shared, routes.clone()))),
        }
        tasks.spawn(tell_health(routes.clone(), bells, health.clone()));
        Ok(Self { routes, events: Mutex::new(Some(events)), health, counters, _tasks: tasks })
    }
}

impl Bus for RedisBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        let link = self.routes.lock().get(usize::from(lane)).and_then(Clone::clone);
        if !link.is_some_and(|link| link.put(Outgoing { lane, payload })) {
            add(&self.counters.dropped, 1);
        }
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.counters.clone())
    }
}

impl Routes {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Arc<Link>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads lanes through these nodes from now on. A link whose node carries what it carried stays; others end, and what
    /// passes unheard until the new ones have subscribed is said to be lost by them.
    fn lead_through(&self, shared: &Shared, nodes: Vec<Node>) -> Result<(), BusError> {
        let before: Vec<Arc<Link>> = self.lock().iter().flatten().cloned().collect();
        let mut after = vec![None; usize::from(limits::LANES)];
        for node in nodes {
            // With its probe: the slot of that may have moved alone.
            let same = before.iter().find(|link| link.node == node);
            let link = match same {
                Some(link) => link.clone(),
                None => {
                    tracing::debug!(node = %node.at, lanes = node.lanes.len(), "lanes of the bus travel through this node");
                    Arc::new(Link::start(shared, node).map_err(|error| BusError::Url(error.to_string()))?)
                }
            };
            for lane in &link.node.lanes {
                after[usize::from(*lane)] = Some(link.clone());
            }
        }
        let before = std::mem::replace(&mut *self.lock(), after);
        drop(before);
        shared.bells.health.notify_one();
        Ok(())
    }

    fn health(&self) -> Health {
        let all = self.lock().iter().all(|link| link.as_ref().is_some_and(|link| link.is_up()));
        if all { Health::Up } else { Health::Down }
    }
}

/// Follows the nodes: of a Sentinel's master, of a cluster. Asks again whenever a link is in trouble.
async fn follow(mut nodes: Nodes, probe: String, shared: Shared, routes: Routes) {
    let mut outage = Outage { side: "topology", on: false };
    let mut backoff = Backoff::new(ASK_AGAIN, limits::REDIAL_MAX);
    loop {
        let pause = match nodes.ask(&probe).await {
            Ok(found) => {
                outage.ends();
                backoff.reset();
                if let Err(error) = routes.lead_through(&shared, found) {
                    outage.begins(&error.to_string());
                }
                // Trouble until now may have been that of links that are gone; one that stays rings again.
                let _ = shared.bells.trouble.notified().now_or_never();
                ASK_AGAIN
            }
            Err(reason) => {
                outage.begins(&reason);
                backoff.next(rand::random())
            }
        };
        sleep(pause).await;
        tokio::select! {
            () = shared.bells.trouble.notified() => {}
            () = sleep(ASK_EVERY), if !outage.on => {}
            () = sleep(pause), if outage.on => {}
        }
        if routes.health() == Health::Down {
            nodes.doubt();
        }
    }
}

async fn tell_health(routes: Routes, bells: Arc<Bells>, said: watch::Sender<Health>) {
    loop {
        let health = routes.health();
        said.send_if_modified(|said| std::mem::replace(said, health) != health);
        bells.health.notified().await;
    }
}

/// One plain connection; `pushed` is called by its reader and must not block. Dropping it closes it.
async fn dial(
    client: &Client,
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

/// Says in the log that one side is out, once per outage, and that it is back.
struct Outage {
    side: &'static str,
    on: bool,
}

impl Outage {
    fn begins(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.on, true) {
            tracing::warn!(side = self.side, reason, "the bus is out; redialling until it is back");
        }
    }

    fn ends(&mut self) {
        if std::mem::replace(&mut self.on, false) {
            tracing::info!(side = self.side, "the bus is back");
        }
    }
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
