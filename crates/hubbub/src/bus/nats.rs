//! Core NATS: nothing is stored there, so nothing stays behind. One connection for both ways.
//!
//! The client's own reconnecting is not used: it would publish what has become stale, and resubscribe without a word.

use super::{
    Bus, BusCounters, BusEvent, Health,
    address::{Address, AddressError},
    ears::Ears,
    line::{Dial, Line, Post},
};
use async_nats::{Client, ConnectOptions, Event, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use hubbub_core::limits;
use std::sync::Arc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use uuid::Uuid;

/// A bus over core NATS. Its tasks and its connection end when it is dropped.
#[derive(Debug)]
pub struct NatsBus(Post);

/// Probes have a subject of their own, which no other instance listens to.
const PROBES: u16 = u16::MAX;

/// Commands that may wait within the client.
const CAPACITY: usize = 512;

struct Dialler {
    address: Address,
    tls: bool,
    lanes: Arc<[Subject]>,
    all_lanes: Subject,
}

struct NatsLine {
    client: Client,
    lanes: Arc<[Subject]>,
    probe: Subject,
    broken: watch::Receiver<Option<String>>,
    _readers: JoinSet<()>,
}

impl NatsBus {
    /// Starts it; servers that cannot be reached are dialled for ever. `url` is `nats://…` or `tls://…`, with
    /// `user:password@` or `token@` before the servers. Instances hear each other within a namespace.
    ///
    /// # Errors
    /// Only for a URL that cannot be understood.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(url: &str, namespace: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        let address = Address::parse(rest, 4222)?;
        let subject = |lane: String| Subject::from(format!("hubbub.{namespace}.lane.{lane}"));
        let lanes = (0..limits::LANES).map(|lane| subject(lane.to_string())).collect();
        Ok(Self(Post::start(Dialler { address, tls: scheme == "tls", lanes, all_lanes: subject("*".into()) })))
    }

    /// What it has counted.
    pub fn counters(&self) -> Arc<BusCounters> {
        self.0.counters.clone()
    }
}

impl Bus for NatsBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        self.0.publish(lane, payload);
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.0.events()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.0.health()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.0.counters.clone())
    }
}

impl Dialler {
    fn options(&self, ears: &Ears, breaks: watch::Sender<Option<String>>) -> ConnectOptions {
        let several = self.address.hosts.len() > 1;
        let ears = ears.clone();
        let options = ConnectOptions::new()
            .name("hubbub")
            .require_tls(self.tls)
            .connection_timeout(limits::BUS_PATIENCE)
            .ping_interval(limits::BUS_PATIENCE)
            .max_reconnects(self.address.hosts.len())
            .ignore_discovered_servers()
            .client_capacity(CAPACITY)
            .subscription_capacity(limits::BUS_INTAKE)
            .event_callback(move |event| {
                match event {
                    Event::SlowConsumer(_) => ears.lost(),
                    // It goes on serving for a while; leave early only if there is another one.
                    Event::LameDuckMode if !several => {}
                    // Errors too: a subscription that is refused leaves a connection that looks well and hears nothing.
                    Event::LameDuckMode
                    | Event::Disconnected
                    | Event::Closed
                    | Event::ServerError(_)
                    | Event::ClientError(_) => {
                        breaks.send_replace(Some(event.to_string()));
                    }
                    _ => {}
                }
                std::future::ready(())
            });
        match (&self.address.user, &self.address.password) {
            (Some(user), Some(password)) => options.user_and_password(user.clone(), password.clone()),
            (Some(token), None) => options.token(token.clone()),
            _ => options,
        }
    }
}

impl Dial for Dialler {
    type Line = NatsLine;
    const NAME: &'static str = "nats";

    async fn dial(&mut self, ears: &Ears) -> Result<NatsLine, String> {
        let (breaks, mut broken) = watch::channel(None);
        let scheme = if self.tls { "tls" } else { "nats" };
        let servers: Vec<async_nats::ServerAddr> = self
            .address
            .hosts
            .iter()
            .map(|host| format!("{scheme}://{host}").parse())
            .collect::<Result<_, _>>()
            .map_err(|_| "a server's address cannot be understood")?;
        let options = self.options(ears, breaks.clone());
        let client = options.connect(servers).await.map_err(|error| error.to_string())?;
        let probe = Subject::from(self.all_lanes.replace(".lane.*", &format!(".probe.{}", Uuid::new_v4().simple())));
        let fence = Subject::from(self.all_lanes.replace('*', &format!("fence-{}", Uuid::new_v4().simple())));
        let mut lanes = client.subscribe(self.all_lanes.clone()).await.map_err(|error| error.to_string())?;
        let probes = client.subscribe(probe.clone()).await.map_err(|error| error.to_string())?;
        // Once this has come back among the lanes, the server knows of both subscriptions, and lanes may be heard. To
        // others an empty packet is nothing.
        client.publish(fence.clone(), Bytes::new()).await.map_err(|error| error.to_string())?;
        client.flush().await.map_err(|error| error.to_string())?;
        loop {
            tokio::select! {
                biased;
                reason = gone(&mut broken) => return Err(reason),
                message = lanes.next() => match message {
                    // What comes earlier is said to be lost.
                    Some(message) if message.subject != fence => {}
                    Some(_) => break,
                    None => return Err("connection closed".to_owned()),
                },
            }
        }
        // Whatever was published before this moment may have passed unheard.
        ears.lost();
        let mut readers = JoinSet::new();
        readers.spawn(read(lanes, ears.clone(), breaks.clone()));
        readers.spawn(read(probes, ears.clone(), breaks));
        Ok(NatsLine { client, lanes: self.lanes.clone(), probe, broken, _readers: readers })
    }
}

/// Hands on what a subscription brings. The client's queue is bounded, and says so when it overflows.
async fn read(mut subscriber: Subscriber, ears: Ears, breaks: watch::Sender<Option<String>>) {
    while let Some(message) = subscriber.next().await {
        let lane = message.subject.rsplit_once(".lane.").and_then(|(_, lane)| lane.parse().ok());
        ears.hear(lane.unwrap_or(PROBES), message.payload);
    }
    breaks.send_replace(Some("connection closed".to_owned()));
}

impl Line for NatsLine {
    fn stream(&self, lane: u16) -> u16 {
        lane
    }

    fn probed(&self) -> Vec<u16> {
        vec![PROBES]
    }

    fn limit(&self) -> usize {
        limits::BUS_PACKET_BYTES.min(self.client.max_payload())
    }

    async fn publish(&mut self, packets: Vec<(u16, Vec<Bytes>)>) -> Result<(), String> {
        let mut broken = self.broken.clone();
        let published = async {
            for (stream, packets) in packets {
                let subject = self.lanes.get(usize::from(stream)).unwrap_or(&self.probe);
                for packet in packets {
                    self.client.publish(subject.clone(), packet).await.map_err(|error| error.to_string())?;
                }
            }
            self.client.flush().await.map_err(|error| error.to_string())
        };
        tokio::select! {
            published = published => published,
            reason = gone(&mut broken) => Err(reason),
        }
    }

    async fn broken(&mut self) -> String {
        gone(&mut self.broken).await
    }
}

async fn gone(broken: &mut watch::Receiver<Option<String>>) -> String {
    match broken.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => "connection closed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[tokio::test]
    async fn more_than_the_outbox_is_dropped_and_counted() {
        let bus = NatsBus::start("nats://127.0.0.1:1", "n").expect("a URL");
        for _ in 0..limits::BUS_OUTBOX + 7 {
            bus.publish(0, Bytes::from_static(b"a"));
        }
        bus.publish(limits::LANES, Bytes::from_static(b"a"));
        bus.publish(0, Bytes::from(vec![0; limits::BUS_PAYLOAD_BYTES + 1]));
        assert_eq!(bus.counters().dropped.load(Ordering::Relaxed), 9);
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_understood_is_refused_without_repeating_it() {
        for url in ["nats:", "nats://ana:hunter2@", "tls://ana:hunter2@one:x"] {
            let error = NatsBus::start(url, "n").expect_err("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
