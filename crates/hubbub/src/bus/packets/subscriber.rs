//! Takes in the packets that a connection brings.

use super::codec::{Unpacked, Unpacker};
use crate::bus::{intake::Intake, probes::Probes};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Hands payloads on to the instance, and the instance's own probes to whoever waits for them. It outlives connections.
#[derive(Debug, Clone)]
pub(in crate::bus) struct PacketSubscriber(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How this instance's own packets are told from those of others.
    me: Uuid,
    intake: Intake,
    unpacker: Mutex<Unpacker>,
    probes: Arc<Probes>,
}

impl PacketSubscriber {
    pub(super) fn new(me: Uuid, intake: Intake, probes: Arc<Probes>) -> Self {
        Self(Arc::new(Inner { me, intake, unpacker: Mutex::default(), probes }))
    }

    /// A stream has brought a packet. Never waits.
    pub(in crate::bus) fn heard(&self, stream: u16, packet: Bytes) {
        let mut unpacker = self.0.unpacker.lock().unwrap_or_else(PoisonError::into_inner);
        unpacker.unpack(stream, packet, |unpacked| match unpacked {
            Unpacked::Payload(payload) => self.0.intake.heard(payload),
            Unpacked::Lost => self.lost(),
            Unpacked::Probe(from, number) if from == self.0.me => self.0.probes.came_back(stream, number),
            Unpacked::Probe(..) => {}
        });
    }

    /// Payloads may have passed unheard.
    pub(in crate::bus) fn lost(&self) {
        self.0.intake.lost();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::codec::{Packer, Record},
        *,
    };
    use crate::bus::{Health, probes::Side};

    #[tokio::test]
    async fn up_needs_a_probe_of_ours_through_every_stream_published_since() {
        let me = Uuid::new_v4();
        let (intake, _events) = Intake::new(4, Arc::default());
        let probes = Probes::new();
        let subscriber = PacketSubscriber::new(me, intake, probes.clone());
        let mut packer = Packer::new(me);
        let brings = |packer: &mut Packer, stream, number| {
            let packets = packer.pack(stream, &[Record::Probe(number)], 100);
            packets.into_iter().for_each(|packet| subscriber.heard(stream, packet));
            *probes.health().borrow()
        };
        let early = probes.number();
        probes.connected(&Side::BOTH, &[0, 1]);
        assert_eq!(brings(&mut packer, 0, early), Health::Down);
        let number = probes.number();
        assert_eq!(brings(&mut packer, 0, number), Health::Down);
        assert_eq!(brings(&mut Packer::new(Uuid::new_v4()), 1, number), Health::Down, "of somebody else");
        assert_eq!(brings(&mut packer, 1, number), Health::Up);
        probes.disconnected(&Side::BOTH);
        assert!(!probes.all_back());
        probes.connected(&Side::BOTH, &[0, 1]);
        assert_eq!(brings(&mut packer, 1, number), Health::Down);
    }
}
