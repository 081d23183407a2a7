//! What a bus with packets hears, and what that proves: it works if every stream brings our own probes back.

use super::{
    Health,
    intake::Intake,
    packet::{Unpacked, Unpacker},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use uuid::Uuid;

/// Where everything goes that a connection hears.
#[derive(Debug, Clone)]
pub(super) struct Ears(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    me: Uuid,
    intake: Intake,
    unpacker: Mutex<Unpacker>,
    proof: Mutex<Proof>,
    health: watch::Sender<Health>,
    asked: Notify,
}

#[derive(Debug)]
struct Proof {
    connected: bool,
    /// The number of the next probe.
    next: u64,
    /// When each stream last brought a probe that was published since the connection was made.
    heard: HashMap<u16, Option<Instant>>,
    /// The first such probe; earlier ones prove nothing.
    fence: u64,
    since: Instant,
}

impl Ears {
    pub(super) fn new(me: Uuid, intake: Intake) -> Self {
        let proof = Proof { connected: false, next: 0, heard: HashMap::new(), fence: 0, since: Instant::now() };
        Self(Arc::new(Inner {
            me,
            intake,
            unpacker: Mutex::default(),
            proof: Mutex::new(proof),
            health: watch::Sender::new(Health::Down),
            asked: Notify::new(),
        }))
    }

    /// A packet has arrived. Never waits.
    pub(super) fn hear(&self, stream: u16, packet: Bytes) {
        let mut unpacker = self.0.unpacker.lock().unwrap_or_else(PoisonError::into_inner);
        unpacker.unpack(stream, packet, |unpacked| match unpacked {
            Unpacked::Payload(payload) => self.0.intake.heard(payload),
            Unpacked::Lost => self.lost(),
            Unpacked::Probe(from, number) if from == self.0.me => self.proven(stream, number),
            Unpacked::Probe(..) => {}
        });
    }

    /// Payloads may have passed unheard.
    pub(super) fn lost(&self) {
        self.0.intake.lost();
    }

    /// There is a connection. Health follows once each of these streams has brought a probe.
    pub(super) fn connected(&self, streams: &[u16]) {
        let mut proof = self.proof();
        proof.connected = true;
        proof.heard = streams.iter().map(|stream| (*stream, None)).collect();
        proof.fence = proof.next;
        proof.since = Instant::now();
        self.say(&proof);
        self.0.asked.notify_one();
    }

    /// The connection is given up.
    pub(super) fn disconnected(&self) {
        let mut proof = self.proof();
        proof.connected = false;
        self.say(&proof);
    }

    /// The number of the probe to be published now.
    pub(super) fn number(&self) -> u64 {
        let mut proof = self.proof();
        proof.next += 1;
        proof.next - 1
    }

    fn proven(&self, stream: u16, number: u64) {
        let mut proof = self.proof();
        if number >= proof.fence
            && let Some(heard) = proof.heard.get_mut(&stream)
        {
            *heard = Some(Instant::now());
            self.say(&proof);
        }
    }

    /// When the stream that is silent longest last brought a probe.
    pub(super) fn last_proof(&self) -> Instant {
        let proof = self.proof();
        proof.heard.values().map(|heard| heard.unwrap_or(proof.since)).min().unwrap_or(proof.since)
    }

    /// Whether wakes travel.
    pub(super) fn works(&self) -> bool {
        *self.0.health.borrow() == Health::Up
    }

    /// Resolves when a probe is wanted out of turn.
    pub(super) async fn asked(&self) {
        self.0.asked.notified().await;
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }

    /// Under the lock, so that the last word is about the last state.
    fn say(&self, proof: &Proof) {
        let works = proof.connected && proof.heard.values().all(Option::is_some);
        let health = if works { Health::Up } else { Health::Down };
        self.0.health.send_if_modified(|said| std::mem::replace(said, health) != health);
    }

    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.0.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::packet::{Packer, Record},
        *,
    };

    #[tokio::test]
    async fn up_needs_a_probe_of_ours_through_every_stream_published_since() {
        let me = Uuid::new_v4();
        let (intake, _events) = Intake::new(4, Arc::default());
        let ears = Ears::new(me, intake);
        let mut packer = Packer::new(me);
        let brings = |packer: &mut Packer, stream, number| {
            packer.pack(stream, &[Record::Probe(number)], 100).into_iter().for_each(|packet| ears.hear(stream, packet));
            *ears.health().borrow()
        };
        let early = ears.number();
        ears.connected(&[0, 1]);
        assert_eq!(brings(&mut packer, 0, early), Health::Down);
        let number = ears.number();
        assert_eq!(brings(&mut packer, 0, number), Health::Down);
        assert_eq!(brings(&mut Packer::new(Uuid::new_v4()), 1, number), Health::Down, "of somebody else");
        assert_eq!(brings(&mut packer, 1, number), Health::Up);
        ears.disconnected();
        assert!(!ears.works());
        ears.connected(&[0, 1]);
        assert_eq!(brings(&mut packer, 1, number), Health::Down);
    }
}
