//! What NATS, Kafka and Postgres have in common: one connection for both directions, and payloads in packets.
//!
//! A kind of bus is a [`PacketBroker`] and its [`PacketConnection`]; everything else is here and in [`super::link`].

mod codec;
mod subscriber;

pub(super) use subscriber::PacketSubscriber;

use super::{
    Bus, BusCounters, BusEvent, Health,
    intake::{Events, Intake},
    link::{Broken, Broker, Link},
    outbound::{self, Batch, OutboundSender},
    probes::{Probes, Side},
};
use crate::bus::counters::add;
use bytes::Bytes;
use codec::{Packer, Record};
use hubbub_core::limits;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use uuid::Uuid;

/// A broker that carries packets.
pub(super) trait PacketBroker: Send + Sync + 'static {
    type Connection: PacketConnection;
    /// For people who read the log.
    const NAME: &'static str;
    /// How long a dial may take.
    const DIAL_WITHIN: Duration = limits::BUS_PATIENCE;
    /// The least time from one publish to the next.
    const EVERY: Duration = Duration::ZERO;

    /// Connects and subscribes to every lane, and returns only then. The subscriber is handed the packets that arrive, and is
    /// told if something may have passed unheard.
    fn dial(&mut self, subscriber: &PacketSubscriber) -> impl Future<Output = Result<Self::Connection, String>> + Send;
}

/// A connection for both directions. Its tasks end when it is dropped.
///
/// A stream is whatever keeps packets in order: a subject of NATS, a partition of Kafka, the one channel of Postgres.
pub(super) trait PacketConnection: Send {
    /// The stream that carries a lane.
    fn stream(&self, lane: u16) -> u16;
    /// The streams that probes go through.
    fn probed(&self) -> Vec<u16>;
    /// Most bytes of a packet.
    fn limit(&self) -> usize;
    /// Publishes packets by their streams; those of one stream in their order.
    fn publish(&mut self, packets: Vec<(u16, Vec<Bytes>)>) -> impl Future<Output = Result<(), String>> + Send;
    /// Says when the connection is broken.
    fn broken(&mut self) -> &mut Broken;
}

/// A bus that carries payloads in packets. Its tasks and connections end when it is dropped.
#[derive(Debug)]
pub struct PacketBus {
    queue: OutboundSender,
    events: Events,
    probes: Arc<Probes>,
    counters: Arc<BusCounters>,
    _link: JoinSet<()>,
}

impl PacketBus {
    /// Begins to dial.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(super) fn start(broker: impl PacketBroker) -> Self {
        let counters = Arc::new(BusCounters::default());
        let (intake, events) = Intake::new(limits::BUS_INTAKE, counters.clone());
        let (queue, queued) = outbound::queue(counters.clone());
        let probes = Probes::new();
        let me = Uuid::new_v4();
        let packets = Packets {
            broker,
            packer: Packer::new(me),
            dropped: 0,
            counters: counters.clone(),
            probes: probes.clone(),
            subscriber: PacketSubscriber::new(me, intake, probes.clone()),
        };
        let mut link = JoinSet::new();
        link.spawn(Link::new(packets, queued, probes.clone(), counters.clone()).run());
        Self { queue, events, probes, counters, _link: link }
    }
}

impl Bus for PacketBus {
    fn publish(&self, lane: u16, payload: Bytes) {
        if lane < limits::LANES && payload.len() <= limits::BUS_PAYLOAD_BYTES {
            self.queue.put(lane, payload);
        } else {
            add(&self.counters.dropped, 1);
        }
    }

    fn events(&self) -> Option<mpsc::Receiver<BusEvent>> {
        self.events.take()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.probes.health()
    }

    fn counters(&self) -> Option<Arc<BusCounters>> {
        Some(self.counters.clone())
    }
}

/// Turns what is to be published into packets.
struct Packets<B> {
    broker: B,
    packer: Packer,
    /// How many payloads had been dropped when packets were last numbered.
    dropped: u64,
    counters: Arc<BusCounters>,
    probes: Arc<Probes>,
    subscriber: PacketSubscriber,
}

impl<B: PacketBroker> Broker for Packets<B> {
    type Connection = B::Connection;
    const NAME: &'static str = B::NAME;
    const DIAL_WITHIN: Duration = B::DIAL_WITHIN;
    const EVERY: Duration = B::EVERY;

    async fn dial(&mut self) -> Result<B::Connection, String> {
        let connection = self.broker.dial(&self.subscriber).await?;
        self.probes.connected(&Side::BOTH, &connection.probed());
        Ok(connection)
    }

    async fn publish(&mut self, connection: &mut B::Connection, batch: Batch) -> Result<(), String> {
        let dropped = self.counters.dropped.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.dropped, dropped) != dropped {
            self.packer.skip();
        }
        let mut streams: BTreeMap<u16, Vec<Record>> = BTreeMap::new();
        if let Some(number) = batch.probe {
            for stream in connection.probed() {
                streams.entry(stream).or_default().push(Record::Probe(number));
            }
        }
        for (lane, payload) in batch.payloads {
            streams.entry(connection.stream(lane)).or_default().push(Record::Payload(payload));
        }
        let limit = connection.limit();
        let pack = |(stream, records): (u16, Vec<Record>)| (stream, self.packer.pack(stream, &records, limit));
        let packets = streams.into_iter().map(pack).collect();
        connection.publish(packets).await
    }

    async fn broken(&mut self, connection: &mut B::Connection) -> String {
        tokio::select! {
            biased;
            reason = connection.broken().reason() => reason,
            // A connection may look well and bring nothing.
            () = self.probes.overdue() => "no probe has come back".to_owned(),
        }
    }

    fn disconnected(&mut self) {
        self.probes.disconnected(&Side::BOTH);
        self.subscriber.lost();
    }
}
