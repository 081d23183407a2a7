//! Telling, and being told. What is committed here goes into the own feeds by the same call that takes in what others
//! announce; then it is published, and whether that arrives matters to nothing but latency.

use super::{
    feeds::Feeds,
    people::People,
    streams::{Handed, Streams},
    sweep::Sweep,
};
use crate::{
    bus::{Bus, BusEvent},
    metrics::Metrics,
};
use bytes::{BufMut, Bytes, BytesMut};
use hubbub_core::{limits, protocol::push::Hint, wake::Wake};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

/// See the module.
pub struct Announcer {
    feeds: Arc<Feeds>,
    people: Arc<People>,
    streams: Arc<Streams>,
    bus: Arc<dyn Bus>,
    metrics: Arc<Metrics>,
    /// Names this life of this instance; the first line of each payload, by which it knows its own again.
    boot: String,
}

impl Announcer {
    /// Announces into these feeds and on this bus.
    pub fn new(
        feeds: Arc<Feeds>,
        people: Arc<People>,
        streams: Arc<Streams>,
        bus: Arc<dyn Bus>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { feeds, people, streams, bus, metrics, boot: uuid::Uuid::new_v4().to_string() }
    }

    /// Names this life of this instance.
    pub fn life(&self) -> &str {
        &self.boot
    }

    /// Tells everybody, in order.
    pub fn announce(&self, wakes: &[Wake]) {
        let mut lanes: BTreeMap<u16, BytesMut> = BTreeMap::new();
        for wake in wakes {
            self.take(wake);
            let payload = lanes.entry(wake.lane(limits::LANES)).or_insert_with(|| BytesMut::from(self.boot.as_bytes()));
            payload.put_u8(b'\n');
            payload.extend_from_slice(wake.encode().as_bytes());
        }
        for (lane, payload) in lanes {
            self.bus.publish(lane, payload.freeze());
        }
    }

    fn take(&self, wake: &Wake) {
        match wake {
            Wake::Entry { epoch, entry } => {
                self.people.hear(entry);
                self.feeds.hear_entry(*epoch, entry);
            }
            Wake::Head { room, epoch, seq } => self.feeds.hear_head(room, *epoch, *seq),
            Wake::Notify { user, event } => self.people.hint(user, &Hint::Event(event)),
            Wake::Disconnect { user } => self.people.log_out(user),
            Wake::Commands { stream, nonce, frame } => {
                if self.streams.hand_over(*stream, *nonce, frame.clone()) == Handed::Full {
                    self.metrics.commands_dropped.inc();
                }
            }
        }
    }

    /// Takes in what the bus brings, until it ends.
    pub async fn listen(self: Arc<Self>, mut events: mpsc::Receiver<BusEvent>, sweep: Sweep, metrics: Arc<Metrics>) {
        while let Some(event) = events.recv().await {
            match event {
                BusEvent::Heard(payload) => self.hear(&payload, &metrics),
                BusEvent::Lost => {
                    metrics.bus_lost.inc();
                    sweep.now();
                }
            }
        }
    }

    fn hear(&self, payload: &Bytes, metrics: &Metrics) {
        let text = String::from_utf8_lossy(payload);
        let mut lines = text.split('\n');
        if lines.next() == Some(&self.boot) {
            return;
        }
        for line in lines {
            match Wake::decode(line) {
                Some(wake) => {
                    metrics.wakes.inc();
                    self.take(&wake);
                }
                None => {
                    metrics.strange_wakes.inc();
                }
            }
        }
    }
}
