//! What every bus must do. What only one kind can do wrong is in its own file.

#[cfg(feature = "kafka")]
mod kafka;
mod nats;
mod people;
mod postgres;
mod redis;
mod redis_fleets;

#[cfg(feature = "kafka")]
use crate::support::kafka::Kafka;
use crate::support::{
    nats::Nats,
    postgres::Postgres,
    redis::{Redis, url},
    redis_fleet::{RedisCluster, Sentinels},
};
use bytes::Bytes;
use futures_util::FutureExt;
use hubbub::bus::{Bus, BusEvent, Health, local::LocalBus, redis::RedisBus};
use hubbub_core::limits;
use people::what_is_said_of_people_arrives_as_it_was_said;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// No wait of the suite is longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// What is promised for noticing a hung bus, and what a busy machine is allowed.
const NOTICED: Duration = Duration::from_secs(3);
const NOTICED_AT_MOST: Duration = Duration::from_secs(10);

static NAMESPACES: AtomicU32 = AtomicU32::new(0);

/// How often a test is run whose links broke on the way. See [`steadily`].
const ATTEMPTS: u32 = 3;

tokio::task_local! {
    /// The health of every endpoint that has been up in this run of a test.
    static WERE_UP: Arc<Mutex<Vec<watch::Receiver<Health>>>>;
}

/// Runs a test of a bus whose server is never disturbed. On a busy machine a server can be silent for longer than a bus waits
/// for it; the bus then dials again and says that something may have been lost, as it should. Only a run in which that
/// happened is repeated.
async fn steadily<T: Future<Output = ()> + Send + 'static>(test: impl Fn() -> T) {
    for attempt in 1.. {
        let were_up = Arc::default();
        let Err(failed) = tokio::spawn(WERE_UP.scope(Arc::clone(&were_up), test())).await else { return };
        let mut were_up = were_up.lock().expect("no panic while it is held");
        let broke = were_up.iter_mut().any(|health| matches!(health.changed().now_or_never(), Some(Ok(()))));
        if attempt == ATTEMPTS || !broke {
            std::panic::resume_unwind(failed.into_panic());
        }
        eprintln!("a link broke, which nobody had done: once more");
    }
}

/// One instance on a bus.
struct Endpoint {
    bus: Box<dyn Bus>,
    events: mpsc::Receiver<BusEvent>,
}

/// Some endpoints that hear each other.
struct Network {
    endpoints: Vec<Endpoint>,
    /// What it runs on, for as long as it does.
    _servers: Box<dyn std::any::Any + Send>,
}

impl Network {
    async fn local(n: usize) -> Self {
        Self { endpoints: LocalBus::network(n).into_iter().map(Endpoint::of).collect(), _servers: Box::new(()) }
    }

    async fn redis(n: usize) -> Self {
        let redis = Redis::start().await;
        let mut endpoints = Vec::new();
        for _ in 0..n {
            endpoints.push(Endpoint::dial(redis.addr(), "suite").await);
        }
        Self { endpoints, _servers: Box::new(redis) }
    }

    async fn nats(n: usize) -> Self {
        let nats = Nats::start().await;
        let mut endpoints = Vec::new();
        for _ in 0..n {
            endpoints.push(Endpoint::up(hubbub::bus::nats::start(&nats.url(), "suite").expect("a URL")).await);
        }
        Self { endpoints, _servers: Box::new(nats) }
    }

    async fn postgres(n: usize) -> Self {
        let namespace = format!("suite-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let mut endpoints = Vec::new();
        for _ in 0..n {
            endpoints.push(Endpoint::up(postgres::start(&Postgres::shared().url(), &namespace)).await);
        }
        Self { endpoints, _servers: Box::new(()) }
    }

    /// On a server of this test program's: one takes seconds to start.
    #[cfg(feature = "kafka")]
    async fn kafka(n: usize) -> Self {
        let namespace = format!("suite-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let url = Kafka::shared().await.url();
        let mut endpoints = Vec::new();
        for _ in 0..n {
            endpoints.push(Endpoint::up(hubbub::bus::kafka::start(&url, &namespace).expect("a URL")).await);
        }
        Self { endpoints, _servers: Box::new(()) }
    }

    async fn sentinel(n: usize) -> Self {
        let sentinels = Sentinels::start().await;
        Self { endpoints: Endpoint::dial_all(&sentinels.url(), n).await, _servers: Box::new(sentinels) }
    }

    async fn cluster(n: usize) -> Self {
        let cluster = RedisCluster::start().await;
        Self { endpoints: Endpoint::dial_all(&cluster.url(), n).await, _servers: Box::new(cluster) }
    }
}

impl Endpoint {
    fn of(bus: impl Bus) -> Self {
        let events = bus.events().expect("the events are taken once");
        assert!(bus.events().is_none());
        Self { bus: Box::new(bus), events }
    }

    /// From now on its link should hold.
    async fn is_up(&self) {
        self.is(Health::Up).await;
        let mut health = self.bus.health();
        health.mark_unchanged();
        let _ = WERE_UP.try_with(|were_up| were_up.lock().expect("no panic while it is held").push(health));
    }

    /// One that is up and has said what it says at the start.
    async fn dial(addr: SocketAddr, namespace: &str) -> Self {
        Self::up(RedisBus::start(&url(addr), namespace).expect("a URL")).await
    }

    /// The same, of any kind.
    async fn up(bus: impl Bus) -> Self {
        let mut endpoint = Self::of(bus);
        endpoint.is_up().await;
        assert_eq!(endpoint.event().await, BusEvent::Lost, "what was published before may have been missed");
        endpoint
    }

    /// Some that are up and have said what they say at the start: each link says it.
    async fn dial_all(url: &str, n: usize) -> Vec<Self> {
        let mut endpoints = Vec::new();
        for _ in 0..n {
            let mut endpoint = Self::of(RedisBus::start(url, "suite").expect("a URL"));
            endpoint.is_up().await;
            assert_eq!(endpoint.event().await, BusEvent::Lost, "what was published before may have been missed");
            while endpoint.events.try_recv() == Ok(BusEvent::Lost) {}
            endpoints.push(endpoint);
        }
        endpoints
    }

    fn says(&self, lane: u16, payload: impl Into<Bytes>) {
        self.bus.publish(lane, payload.into());
    }

    async fn event(&mut self) -> BusEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("an event in time").expect("an open bus")
    }

    async fn hears(&mut self) -> Bytes {
        match self.event().await {
            BusEvent::Heard(payload) => payload,
            BusEvent::Lost => panic!("nothing may be lost on a healthy bus"),
        }
    }

    /// Reads up to `payload`; says how often something was lost on the way.
    async fn hears_at_last(&mut self, payload: &str) -> usize {
        let mut lost = 0;
        loop {
            match self.event().await {
                BusEvent::Heard(heard) if heard == payload => return lost,
                BusEvent::Heard(_) => {}
                BusEvent::Lost => lost += 1,
            }
        }
    }

    /// Waits for that health; says how long it took.
    async fn is(&self, health: Health) -> Duration {
        reaches(&mut self.bus.health(), health).await
    }
}

async fn reaches(health: &mut watch::Receiver<Health>, level: Health) -> Duration {
    let start = Instant::now();
    timeout(DEADLINE, health.wait_for(|health| *health == level)).await.expect("the level in time").expect("a bus");
    start.elapsed()
}

/// Everybody is up, and hears everybody. Says how often each was told of a loss.
async fn all_hear_each_other(endpoints: &mut [Endpoint], word: &str) -> Vec<usize> {
    for endpoint in &*endpoints {
        endpoint.is(Health::Up).await;
    }
    let mut lost = vec![0; endpoints.len()];
    for from in 0..endpoints.len() {
        let said = format!("{word} {from}");
        endpoints[from].says(9, said.clone());
        for (hearer, lost) in endpoints.iter_mut().zip(&mut lost) {
            *lost += hearer.hears_at_last(&said).await;
        }
    }
    lost
}

async fn until(what: &str, level: impl Fn() -> bool) {
    let reached = async {
        while !level() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("in time: {what}"));
}

macro_rules! every_bus {
    ($($title:ident($endpoints:literal))*) => {
        mod on_one_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::local($endpoints).await).await }).await;
            })*
        }
        mod on_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::redis($endpoints).await).await }).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::postgres($endpoints).await).await }).await;
            })*
        }
        #[cfg(feature = "kafka")]
        mod on_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::kafka($endpoints).await).await }).await;
            })*
        }
        mod on_nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::nats($endpoints).await).await }).await;
            })*
        }
        mod on_redis_with_sentinels {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::sentinel($endpoints).await).await }).await;
            })*
        }
        mod on_a_redis_cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $title() {
                super::steadily(|| async { super::$title(super::Network::cluster($endpoints).await).await }).await;
            })*
        }
    };
}

every_bus! {
    every_payload_arrives_once_and_in_the_order_of_its_publisher_and_lane(3)
    any_bytes_up_to_128_kib_arrive_exactly_as_published(3)
    the_largest_batch_arrives_whole_and_in_its_place(2)
    a_single_payload_does_not_wait_for_a_second_one(2)
    what_is_said_of_people_arrives_as_it_was_said(3)
    a_reader_that_does_not_read_loses_and_the_others_hear_everything(3)
    who_stops_listening_disturbs_nobody(3)
}

async fn every_payload_arrives_once_and_in_the_order_of_its_publisher_and_lane(network: Network) {
    const EACH: u64 = 12;
    let others = network.endpoints.len() as u64 - 1;
    let mut readers = tokio::task::JoinSet::new();
    for (me, mut endpoint) in network.endpoints.into_iter().enumerate() {
        readers.spawn(async move {
            for number in 0..EACH {
                for lane in 0..limits::LANES {
                    endpoint.says(lane, format!("{me} {lane} {number}"));
                }
            }
            let mut next: HashMap<(usize, u16), u64> = HashMap::new();
            let mut missing = others * u64::from(limits::LANES) * EACH;
            while missing > 0 {
                let heard = endpoint.hears().await;
                let heard = std::str::from_utf8(&heard).expect("text");
                let words: Vec<_> = heard.split(' ').collect();
                let [from, lane, number] = words[..] else { panic!("{heard} was not published") };
                let (from, lane): (usize, u16) = (from.parse().expect("whom"), lane.parse().expect("lane"));
                let next = next.entry((from, lane)).or_default();
                assert_eq!(number.parse(), Ok(*next), "from {from} on lane {lane}");
                *next += 1;
                missing -= u64::from(from != me);
            }
            // It must not be dropped before the others have heard it.
            endpoint
        });
    }
    readers.join_all().await;
}

async fn any_bytes_up_to_128_kib_arrive_exactly_as_published(mut network: Network) {
    let all: Vec<u8> = (0..=255).cycle().take(128 * 1024).collect();
    let payloads = [
        Bytes::new(),
        Bytes::from_static(b"\r\n"),
        Bytes::from_static(b"one\ntwo\nthree"),
        Bytes::from_static(b"$-1\r\n*2\r\n\0\xff"),
        Bytes::from(all.clone()),
        Bytes::from(all.into_iter().rev().collect::<Vec<_>>()),
    ];
    for payload in &payloads {
        network.endpoints[0].says(7, payload.clone());
    }
    for other in &mut network.endpoints[1..] {
        for payload in &payloads {
            assert_eq!(other.hears().await, payload);
        }
    }
}

async fn the_largest_batch_arrives_whole_and_in_its_place(mut network: Network) {
    // A batch of the largest entries, all for one lane.
    let batch =
        Bytes::from((0..=250).cycle().take(limits::BATCH * (limits::DATA_BYTES + 4 * 1024)).collect::<Vec<u8>>());
    for payload in [Bytes::from_static(b"before"), batch.clone(), Bytes::from_static(b"after")] {
        network.endpoints[0].says(7, payload);
    }
    assert_eq!(network.endpoints[1].hears().await, "before");
    assert!(network.endpoints[1].hears().await == batch, "a large payload was changed");
    assert_eq!(network.endpoints[1].hears().await, "after");
}

async fn a_single_payload_does_not_wait_for_a_second_one(mut network: Network) {
    let mut times = Vec::new();
    for number in 0..200 {
        let start = Instant::now();
        network.endpoints[0].says(1, number.to_string());
        assert_eq!(network.endpoints[1].hears().await, number.to_string());
        times.push(start.elapsed());
    }
    times.sort();
    // A timer, or Nagle against a delayed acknowledgement, would be 40 ms each time. A busy machine is late now and then.
    let quick = times[times.len() / 10];
    eprintln!("published and heard: in {quick:?} one of ten");
    assert!(quick < Duration::from_millis(20), "{quick:?}");
}

/// Numbers that were published round and round the lanes: within each they come in order, and none is left out.
#[derive(Default)]
struct Rounds(HashMap<u64, u64>);

impl Rounds {
    fn take(&mut self, heard: &Bytes) {
        let number: u64 = std::str::from_utf8(heard).ok().and_then(|heard| heard.parse().ok()).expect("a number");
        let lane = number % u64::from(limits::LANES);
        let next = self.0.entry(lane).or_insert(lane);
        assert_eq!(number, *next, "on lane {lane}");
        *next += u64::from(limits::LANES);
    }
}

async fn a_reader_that_does_not_read_loses_and_the_others_hear_everything(mut network: Network) {
    const CHUNK: usize = 1_024;
    let [publisher, reader, sleeper] = &mut network.endpoints[..] else { panic!("three") };
    let flood = 2 * limits::BUS_INTAKE;
    let (mut heard, mut echoed, mut slept) = (Rounds::default(), Rounds::default(), Rounds::default());
    for number in 0..flood {
        // One lane: nothing is promised about the order of two.
        publisher.says(5, number.to_string());
        if (number + 1) % CHUNK == 0 {
            for _ in 0..CHUNK {
                heard.take(&reader.hears().await);
                echoed.take(&publisher.hears().await);
            }
        }
    }
    for _ in 0..limits::BUS_INTAKE {
        assert!(sleeper.events.len() <= limits::BUS_INTAKE);
        // What was taken in before the overflow is still good.
        slept.take(&sleeper.hears().await);
    }
    assert_eq!(sleeper.event().await, BusEvent::Lost);
    publisher.says(0, "fence");
    // Once more at most: what the server sends late may find it full again.
    assert!(sleeper.hears_at_last("fence").await <= 1, "one overflow is said once");
    assert_eq!(reader.hears().await, "fence");
}

async fn who_stops_listening_disturbs_nobody(mut network: Network) {
    let gone = network.endpoints.pop();
    drop(gone);
    for number in 0..100 {
        network.endpoints[0].says(3, number.to_string());
    }
    for number in 0..100 {
        assert_eq!(network.endpoints[1].hears().await, number.to_string());
    }
    assert_eq!(*network.endpoints[0].bus.health().borrow(), Health::Up);
}

#[test]
fn an_instance_alone_says_so_and_hears_nothing() {
    let bus = LocalBus::alone();
    assert_eq!(*bus.health().borrow(), Health::Alone);
    let mut events = bus.events().expect("the events");
    bus.publish(0, Bytes::from_static(b"anyone?"));
    assert_eq!(events.try_recv(), Err(mpsc::error::TryRecvError::Empty));
}
