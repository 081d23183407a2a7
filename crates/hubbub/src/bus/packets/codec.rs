//! The form of packets. They suit brokers that limit the size of a message, or do better with few messages than with many: a
//! packet holds several payloads, and a large payload is spread over several packets.
//!
//! Packets are numbered. A missing number is reported as a loss; a number that comes again is passed over.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hubbub_core::limits;
use std::collections::HashMap;
use uuid::Uuid;

const MAGIC: &[u8; 4] = b"hub1";
/// Bytes of a packet's head: magic, publisher, number, and how many bytes of the body belong to a record that began in an earlier
/// packet.
const HEAD: usize = 4 + 16 + 8 + 4;
/// Bytes of a record's head: its kind and the length of what follows.
const RECORD_HEAD: usize = 1 + 4;
const PAYLOAD: u8 = 0;
const PROBE: u8 = 1;

/// What goes into packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Payload(Bytes),
    Probe(u64),
}

/// What comes out of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unpacked {
    Payload(Bytes),
    /// A probe of that publisher.
    Probe(Uuid, u64),
    /// Some payloads have not arrived, or cannot be read.
    Lost,
}

/// Makes the packets of one publisher, which numbers them for each stream.
#[derive(Debug)]
pub(super) struct Packer {
    publisher: Uuid,
    numbers: HashMap<u16, u64>,
}

impl Packer {
    pub(super) fn new(publisher: Uuid) -> Self {
        Self { publisher, numbers: HashMap::new() }
    }

    /// Leaves out a number in every stream: payloads were dropped before they were packed, and subscribers are to notice.
    pub(super) fn skip(&mut self) {
        self.numbers.values_mut().for_each(|number| *number += 1);
    }

    /// Packets of at most `limit` bytes, in the order in which they are to be published.
    pub(super) fn pack(&mut self, stream: u16, records: &[Record], limit: usize) -> Vec<Bytes> {
        let room = limit - HEAD;
        let mut packets = Vec::new();
        let mut body = BytesMut::new();
        let mut carry = 0;
        for record in records {
            let (kind, probe);
            let mut rest: &[u8] = match record {
                Record::Payload(payload) => {
                    kind = PAYLOAD;
                    payload
                }
                Record::Probe(number) => {
                    (kind, probe) = (PROBE, number.to_be_bytes());
                    &probe
                }
            };
            // A record's head is never cut in two.
            if body.len() + RECORD_HEAD > room {
                packets.push(self.seal(stream, carry, &mut body));
                carry = 0;
            }
            body.put_u8(kind);
            body.put_u32(rest.len() as u32);
            loop {
                let fits = rest.len().min(room - body.len());
                body.put_slice(&rest[..fits]);
                rest = &rest[fits..];
                if rest.is_empty() {
                    break;
                }
                packets.push(self.seal(stream, carry, &mut body));
                carry = rest.len();
            }
        }
        if !body.is_empty() {
            packets.push(self.seal(stream, carry, &mut body));
        }
        packets
    }

    fn seal(&mut self, stream: u16, carry: usize, body: &mut BytesMut) -> Bytes {
        let number = self.numbers.entry(stream).or_default();
        let mut packet = BytesMut::with_capacity(HEAD + body.len());
        packet.put_slice(MAGIC);
        packet.put_slice(self.publisher.as_bytes());
        packet.put_u64(*number);
        packet.put_u32(carry as u32);
        packet.put(body.split());
        *number += 1;
        packet.freeze()
    }
}

/// Takes the packets of many publishers apart. How much it keeps is limited by [`limits::BUS_PUBLISHERS`],
/// [`limits::BUS_PAYLOAD_BYTES`] and [`limits::BUS_OUTBOX_BYTES`].
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    publishers: HashMap<Uuid, Publisher>,
    /// Packets so far: from it follows which publisher was heard least recently.
    clock: u64,
    /// Bytes of records whose end has not arrived yet, of all streams.
    held: usize,
}

#[derive(Debug, Default)]
struct Publisher {
    heard: u64,
    streams: HashMap<u16, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    next: u64,
    /// The beginning of a record whose end has not arrived yet.
    begun: Vec<u8>,
}

impl Unpacker {
    /// Takes one packet apart. Anything else than a packet is passed over.
    pub(super) fn unpack(&mut self, stream: u16, packet: Bytes, mut tell: impl FnMut(Unpacked)) {
        let Some((publisher, number, carry, mut body)) = head(packet) else { return };
        self.clock += 1;
        self.make_room(publisher, &mut tell);
        let known = self.publishers.entry(publisher).or_default();
        known.heard = self.clock;
        let first = !known.streams.contains_key(&stream);
        let state = known.streams.entry(stream).or_default();
        if !first && number < state.next {
            return;
        }
        let missed = !first && number > state.next;
        state.next = number.saturating_add(1);
        if first || missed {
            self.held -= state.begun.len();
            state.begun = Vec::new();
        }
        if missed || (carry > 0 && state.begun.is_empty()) {
            tell(Unpacked::Lost);
        }
        if state.begun.is_empty() {
            // The rest of a record whose beginning was not heard.
            body.advance(carry.min(body.len()));
        } else {
            self.held -= state.begun.len();
            let mut whole = std::mem::take(&mut state.begun);
            whole.extend_from_slice(&body);
            body = whole.into();
        }
        while let Some(record) = next_record(&mut body) {
            match record {
                (PAYLOAD, payload) => tell(Unpacked::Payload(payload)),
                (PROBE, mut number) if number.len() == 8 => tell(Unpacked::Probe(publisher, number.get_u64())),
                _ => tell(Unpacked::Lost),
            }
        }
        if body.is_empty() {
            return;
        }
        if wants(&body) > limits::BUS_PAYLOAD_BYTES + RECORD_HEAD || self.held + body.len() > limits::BUS_OUTBOX_BYTES {
            tell(Unpacked::Lost);
        } else {
            self.held += body.len();
            state.begun = body.into();
        }
    }

    /// Forgets the publisher that was heard least recently, if a newcomer would be one too many.
    fn make_room(&mut self, newcomer: Uuid, tell: &mut impl FnMut(Unpacked)) {
        if self.publishers.len() < limits::BUS_PUBLISHERS || self.publishers.contains_key(&newcomer) {
            return;
        }
        let oldest = self.publishers.iter().min_by_key(|(_, known)| known.heard).map(|(id, _)| *id);
        if let Some(gone) = oldest.and_then(|oldest| self.publishers.remove(&oldest)) {
            let begun: usize = gone.streams.values().map(|stream| stream.begun.len()).sum();
            self.held -= begun;
            if begun > 0 {
                tell(Unpacked::Lost);
            }
        }
    }
}

fn head(mut packet: Bytes) -> Option<(Uuid, u64, usize, Bytes)> {
    if packet.len() < HEAD || !packet.starts_with(MAGIC) {
        return None;
    }
    packet.advance(MAGIC.len());
    let publisher = Uuid::from_u128(packet.get_u128());
    let number = packet.get_u64();
    let carry = packet.get_u32() as usize;
    Some((publisher, number, carry, packet))
}

/// Bytes of the first record in `body` together with its head.
fn wants(body: &[u8]) -> usize {
    let length = body.get(1..RECORD_HEAD).and_then(|length| length.try_into().ok()).map_or(0, u32::from_be_bytes);
    RECORD_HEAD + length as usize
}

/// Takes the next record off `body`, if all of it is there.
fn next_record(body: &mut Bytes) -> Option<(u8, Bytes)> {
    if body.len() < RECORD_HEAD || body.len() < wants(body) {
        return None;
    }
    let mut record = body.split_to(wants(body));
    let kind = record.get_u8();
    record.advance(4);
    Some((kind, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    fn payload(text: impl Into<Vec<u8>>) -> Record {
        Record::Payload(text.into().into())
    }

    fn unpack(unpacker: &mut Unpacker, packets: &[Bytes]) -> Vec<Unpacked> {
        let mut out = Vec::new();
        packets.iter().for_each(|packet| unpacker.unpack(3, packet.clone(), |unpacked| out.push(unpacked)));
        out
    }

    #[test]
    fn whatever_is_packed_comes_out_as_it_went_in_for_every_size() {
        for size in 0..400 {
            let id = Uuid::new_v4();
            let records =
                [payload("a"), payload(vec![7; size]), Record::Probe(9), payload(""), payload(vec![8; size / 2])];
            let packets = Packer::new(id).pack(3, &records, LIMIT);
            assert!(packets.iter().all(|packet| packet.len() <= LIMIT));
            let expected: Vec<_> = records
                .iter()
                .map(|record| match record {
                    Record::Payload(payload) => Unpacked::Payload(payload.clone()),
                    Record::Probe(number) => Unpacked::Probe(id, *number),
                })
                .collect();
            let mut unpacker = Unpacker::default();
            assert_eq!(unpack(&mut unpacker, &packets), expected, "{size}");
            assert_eq!(unpacker.held, 0);
        }
    }

    #[test]
    fn a_missing_packet_is_said_once_and_what_is_whole_after_it_is_heard() {
        let mut packer = Packer::new(Uuid::new_v4());
        let packets = packer.pack(3, &[payload("first"), payload(vec![7; 300]), payload("last")], LIMIT);
        assert!(packets.len() > 4);
        for missing in 1..packets.len() - 1 {
            let mut kept = packets.clone();
            kept.remove(missing);
            let mut unpacker = Unpacker::default();
            let out = unpack(&mut unpacker, &kept);
            let first = Unpacked::Payload("first".into());
            assert!(out.contains(&first) && out.contains(&Unpacked::Payload("last".into())), "{missing}: {out:?}");
            assert_eq!(out.len() - out.iter().filter(|out| **out == Unpacked::Lost).count(), 2);
            assert!(out.contains(&Unpacked::Lost));
            assert_eq!(unpacker.held, 0);
        }
        let mut unpacker = Unpacker::default();
        unpack(&mut unpacker, &packets);
        assert_eq!(unpack(&mut unpacker, &packets), [], "what comes twice is passed over");
        packer.skip();
        let after = packer.pack(3, &[payload("after")], LIMIT);
        assert_eq!(unpack(&mut unpacker, &after), [Unpacked::Lost, Unpacked::Payload("after".into())]);
    }

    #[test]
    fn who_begins_to_listen_in_the_middle_hears_the_next_whole_payload() {
        let packets = Packer::new(Uuid::new_v4()).pack(3, &[payload(vec![7; 300]), payload("next")], LIMIT);
        let out = unpack(&mut Unpacker::default(), &packets[1..]);
        assert_eq!(out.last(), Some(&Unpacked::Payload("next".into())), "{out:?}");
        assert!(out.contains(&Unpacked::Lost));
    }

    #[test]
    fn garbage_and_many_publishers_do_not_make_it_grow() {
        let mut unpacker = Unpacker::default();
        assert_eq!(unpack(&mut unpacker, &[Bytes::from_static(b"hub1"), Bytes::from_static(b"{}")]), []);
        let mut huge = Packer::new(Uuid::new_v4()).pack(3, &[payload("x")], LIMIT).remove(0).to_vec();
        huge[HEAD + 1..HEAD + 5].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(unpack(&mut unpacker, &[huge.into()]), [Unpacked::Lost]);
        for _ in 0..2 * limits::BUS_PUBLISHERS {
            let begun = &Packer::new(Uuid::new_v4()).pack(3, &[payload(vec![7; 300])], LIMIT)[..1];
            unpack(&mut unpacker, begun);
        }
        assert_eq!(unpacker.publishers.len(), limits::BUS_PUBLISHERS);
        assert!(unpacker.held <= LIMIT * limits::BUS_PUBLISHERS);
    }
}
