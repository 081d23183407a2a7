//! Core NATS: nothing is stored there, so nothing stays behind when an instance dies. One connection for both directions.

use super::{
    PacketBus,
    address::{Address, BusUrlError},
    link::{Breaker, Broken},
    packets::{PacketBroker, PacketConnection, PacketSubscriber},
};
use crate::crypto::{
    certificate::{self, Fault},
    login::{Password, Place},
};
use async_nats::{Client, ConnectOptions, Event, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use hubbub_core::limits;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Probes have a subject of their own, which no other instance subscribes to.
const PROBES: u16 = u16::MAX;

/// How many commands may wait within the client library.
const CAPACITY: usize = 512;

/// Starts a bus over core NATS; servers that cannot be reached are dialled for ever. `url` is `nats://…` or `tls://…`, with
/// `user:password@`, `user@` with a password besides, or `token@` before the servers; a password without a user is a token. Instances hear each other within a namespace.
///
/// # Errors
/// Only for a URL that cannot be understood.
///
/// # Panics
/// Outside of a runtime.
pub fn start(at: impl Into<Place>, namespace: &str) -> Result<PacketBus, BusUrlError> {
    let place = at.into();
    let (address, tls) = parse(&place)?;
    let subject = |lane: String| Subject::from(format!("hubbub.{namespace}.lane.{lane}"));
    let lanes = (0..limits::LANES).map(|lane| subject(lane.to_string())).collect();
    Ok(PacketBus::start(NatsBroker { address, password: place.password, tls, lanes, all_lanes: subject("*".into()) }))
}

/// Checks a URL, and the password besides, without dialling.
///
/// # Errors
/// What is wrong with it.
pub fn check(at: impl Into<Place>) -> Result<(), BusUrlError> {
    parse(&at.into()).map(drop)
}

/// Where the servers are, and whether they speak TLS.
fn parse(place: &Place) -> Result<(Address, bool), BusUrlError> {
    let (scheme, rest) = place.url.split_once(':').unwrap_or(("", &place.url));
    let address = Address::parse(rest, 4222)?;
    if let Some(password) = &place.password {
        password.agrees(address.password.as_ref().map(String::as_bytes)).map_err(BusUrlError)?;
    }
    Ok((address, scheme == "tls"))
}

/// The servers, and the subjects on them.
struct NatsBroker {
    address: Address,
    /// Read anew at every dial.
    password: Option<Password>,
    tls: bool,
    /// By lane.
    lanes: Arc<[Subject]>,
    /// What subscribes to all of them.
    all_lanes: Subject,
}

struct NatsConnection {
    client: Client,
    lanes: Arc<[Subject]>,
    probe: Subject,
    broken: Broken,
    _readers: JoinSet<()>,
}

impl NatsBroker {
    fn options(&self, subscriber: &PacketSubscriber, breaker: Breaker) -> Result<ConnectOptions, String> {
        let password = self.password.as_ref().map(Password::read).transpose()?;
        let several = self.address.hosts.len() > 1;
        let subscriber = subscriber.clone();
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
                    Event::SlowConsumer(_) => subscriber.lost(),
                    // The server is about to stop, and serves until then: leave it early only if there is another one.
                    Event::LameDuckMode if !several => {}
                    // Errors, too: with a refused subscription the connection looks well and brings nothing.
                    Event::LameDuckMode
                    | Event::Disconnected
                    | Event::Closed
                    | Event::ServerError(_)
                    | Event::ClientError(_) => {
                        breaker.tell(event.to_string());
                    }
                    _ => {}
                }
                std::future::ready(())
            });
        Ok(match (self.address.user.clone(), password.or_else(|| self.address.password.clone())) {
            (Some(user), Some(password)) => options.user_and_password(user, password),
            (Some(token), None) | (None, Some(token)) => options.token(token),
            (None, None) => options,
        })
    }
}

impl PacketBroker for NatsBroker {
    type Connection = NatsConnection;
    const NAME: &'static str = "nats";

    async fn dial(&mut self, subscriber: &PacketSubscriber) -> Result<NatsConnection, String> {
        let (breaker, mut broken) = Breaker::new();
        let scheme = if self.tls { "tls" } else { "nats" };
        let servers: Vec<async_nats::ServerAddr> = self
            .address
            .hosts
            .iter()
            .map(|host| format!("{scheme}://{host}").parse())
            .collect::<Result<_, _>>()
            .map_err(|_| "a server's address cannot be understood")?;
        let options = self.options(subscriber, breaker.clone())?;
        let client = options.connect(servers).await.map_err(|error| said(&error))?;
        let probe = Subject::from(self.all_lanes.replace(".lane.*", &format!(".probe.{}", Uuid::new_v4().simple())));
        let fence = Subject::from(self.all_lanes.replace('*', &format!("fence-{}", Uuid::new_v4().simple())));
        let mut lanes = client.subscribe(self.all_lanes.clone()).await.map_err(|error| error.to_string())?;
        let probes = client.subscribe(probe.clone()).await.map_err(|error| error.to_string())?;
        // Once this message has come back among those of the lanes, the server knows both subscriptions, and allows this user
        // to hear lanes. Others pass over an empty packet.
        client.publish(fence.clone(), Bytes::new()).await.map_err(|error| error.to_string())?;
        client.flush().await.map_err(|error| error.to_string())?;
        loop {
            tokio::select! {
                biased;
                reason = broken.reason() => return Err(reason),
                message = lanes.next() => match message {
                    // Payloads that come earlier are covered by the `lost` below.
                    Some(message) if message.subject != fence => {}
                    Some(_) => break,
                    None => return Err("connection closed".to_owned()),
                },
            }
        }
        // Whatever was published before this moment may have passed unheard.
        subscriber.lost();
        let mut readers = JoinSet::new();
        readers.spawn(read(lanes, subscriber.clone(), breaker.clone()));
        readers.spawn(read(probes, subscriber.clone(), breaker));
        Ok(NatsConnection { client, lanes: self.lanes.clone(), probe, broken, _readers: readers })
    }
}

/// What an error of a dial means.
fn said(error: &async_nats::ConnectError) -> String {
    match certificate::refused(error) {
        Some((Fault::Authority, says)) => format!("{says}: of NATS it has to be one that this system trusts"),
        Some((_, says)) => says,
        None => error.to_string(),
    }
}

/// Hands on what a subscription brings. The client library's queue is bounded, and an event tells when it overflows.
async fn read(mut messages: Subscriber, subscriber: PacketSubscriber, breaker: Breaker) {
    while let Some(message) = messages.next().await {
        let lane = message.subject.rsplit_once(".lane.").and_then(|(_, lane)| lane.parse().ok());
        subscriber.heard(lane.unwrap_or(PROBES), message.payload);
    }
    breaker.tell("connection closed".to_owned());
}

impl PacketConnection for NatsConnection {
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
            reason = broken.reason() => Err(reason),
        }
    }

    fn broken(&mut self) -> &mut Broken {
        &mut self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Bus, *};
    use std::sync::atomic::Ordering;

    #[tokio::test]
    async fn more_than_the_outbox_is_dropped_and_counted() {
        let bus = start("nats://127.0.0.1:1", "n").expect("a URL");
        for _ in 0..limits::BUS_OUTBOX + 7 {
            bus.publish(0, Bytes::from_static(b"a"));
        }
        bus.publish(limits::LANES, Bytes::from_static(b"a"));
        bus.publish(0, Bytes::from(vec![0; limits::BUS_PAYLOAD_BYTES + 1]));
        assert_eq!(bus.counters().expect("counters").dropped.load(Ordering::Relaxed), 9);
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_understood_is_refused_without_repeating_it() {
        for url in ["nats:", "nats://ana:hunter2@", "tls://ana:hunter2@one:x"] {
            let error = start(url, "n").expect_err("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
