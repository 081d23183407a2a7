//! Redis Pub/Sub. Nothing is stored in Redis, so nothing stays behind there when an instance dies.
//!
//! Two plain connections, each with a task and a dial loop of its own: [`publisher`] and [`subscriber`]. The client's
//! own reconnecting is not used: by default it gives up silently after six retries. [`probe`] says whether both work.

mod probe;
mod publisher;
mod subscriber;

use super::{Bus, BusCounters, BusEvent, Health, counters::add, intake::Intake};
use ::redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisError,
    aio::MultiplexedConnection,
};
use bytes::Bytes;
use hubbub_core::limits;
use probe::Probe;
use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use uuid::Uuid;

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
    outbox: mpsc::Sender<Outgoing>,
    outbox_bytes: Arc<std::sync::atomic::AtomicUsize>,
    events: Mutex<Option<mpsc::Receiver<BusEvent>>>,
    probe: Arc<Probe>,
    counters: Arc<BusCounters>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Outgoing {
    lane: u16,
    payload: Bytes,
}

/// The channels of one namespace, and the one this instance probes itself through.
#[derive(Debug)]
struct Channels {
    lanes: Vec<String>,
    probe: String,
}

impl RedisBus {
    /// Starts it; a Redis that cannot be reached is dialled for ever. Instances hear each other within a namespace.
    ///
    /// # Errors
    /// Only for a URL that cannot be understood.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(url: &str, namespace: &str) -> Result<Self, BusError> {
        let client = client(url).map_err(|error| BusError::Url(error.to_string()))?;
        let channels = Arc::new(Channels {
            lanes: (0..limits::LANES).map(|lane| format!("hubbub:{namespace}:lane:{lane}")).collect(),
            probe: format!("hubbub:{namespace}:probe:{}", Uuid::new_v4()),
        });
        let counters = Arc::new(BusCounters::default());
        let probe = Arc::new(Probe::new());
        let (intake, events) = Intake::new(limits::BUS_INTAKE, counters.clone());
        let (outbox, waiting) = mpsc::channel(limits::BUS_OUTBOX);
        let outbox_bytes = Arc::default();
        let publisher = publisher::Publisher {
            client: client.clone(),
            channels: channels.clone(),
            outbox: waiting,
            outbox_bytes: Arc::clone(&outbox_bytes),
            probe: probe.clone(),
            counters: counters.clone(),
        };
        let subscriber =
            subscriber::Subscriber { client, channels, intake, probe: probe.clone(), counters: counters.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(publisher.run());
        tasks.spawn(subscriber.run());
        Ok(Self { outbox, outbox_bytes, events: Mutex::new(Some(events)), probe, counters, _tasks: tasks })
    }
}

impl Bus for RedisBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        let bytes = payload.len();
        let fits = lane < limits::LANES
            && self.outbox_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= limits::BUS_OUTBOX_BYTES;
        if !fits || self.outbox.try_send(Outgoing { lane, payload }).is_err() {
            if lane < limits::LANES {
                self.outbox_bytes.fetch_sub(bytes, Ordering::Relaxed);
            }
            add(&self.counters.dropped, 1);
        }
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.probe.health()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.counters.clone())
    }
}

/// RESP3, because only there a closure takes what is pushed; the Pub/Sub connection of RESP2 queues without a bound.
fn client(url: &str) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    // Without it a wake published behind another waits for that one's acknowledgement by the peer's kernel.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// One plain connection; `pushed` is called by its reader and must not block. Dropping it closes it.
async fn dial(
    client: &Client,
    pushed: impl Fn(PushInfo) + Send + Sync + 'static,
) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits::BUS_PATIENCE))
        .set_response_timeout(Some(limits::BUS_PATIENCE))
        .set_push_sender(move |info| {
            pushed(info);
            Ok::<_, std::convert::Infallible>(())
        });
    client.get_multiplexed_async_connection_with_config(&config).await
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
