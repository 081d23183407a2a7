//! What one instance tells the others. A wake may be lost, doubled, late or early; nothing may depend on it but latency.

use crate::{
    live::presence::{Here, Who},
    log::entry::Entry,
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
        stream_id::StreamId,
    },
    portal::session::{Forwarding, Way},
    wire,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{borrow::Cow, str::FromStr};

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A room has reached `entry.seq`, and this is the entry: a healthy bus makes delivering it cost no read.
    Entry {
        /// The epoch of its number.
        epoch: Epoch,
        /// The entry.
        entry: Entry,
    },
    /// A room has reached `seq`; the entry is in the log.
    Head {
        /// The room.
        room: RoomId,
        /// The epoch of its number.
        epoch: Epoch,
        /// How far the log reaches.
        seq: Seq,
    },
    /// An event for all devices of one user, kept nowhere.
    Notify {
        /// Whose devices.
        user: UserId,
        /// The event, as JSON.
        event: String,
    },
    /// How far a session's entries have got on their way to its portal, for all devices of its customer; kept nowhere.
    Forwarding {
        /// The customer.
        customer: UserId,
        /// How far.
        forwarding: Forwarding,
    },
    /// Close all connections of one user (log-out).
    Disconnect {
        /// Whose connections.
        user: UserId,
    },
    /// Commands of a client, taken in by an instance that does not hold its stream. Lost, they are lost: the client asks again.
    Commands {
        /// The stream they belong to.
        stream: StreamId,
        /// Tells them from others of the same stream: they must not be taken twice.
        nonce: u64,
        /// A frame, as the client sent it.
        frame: Bytes,
    },
    /// Who follows these rooms on your side?
    Who(Who),
    /// The answer.
    Here(Here),
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct WireWake<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    epoch: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    entry: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    room: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    // Not `user`: a version that does not know this wake would take it for a log-out.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    customer: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    way: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    stream: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    frame: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    who: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    here: Option<&'a RawValue>,
}

impl Wake {
    /// The lane it travels on: a room's wakes keep the order they were published in.
    pub fn lane(&self, lanes: u16) -> u16 {
        match self {
            Self::Entry { entry, .. } => entry.room.lane(lanes),
            Self::Head { room, .. } => room.lane(lanes),
            Self::Notify { user, .. } | Self::Disconnect { user } => user.lane(lanes),
            Self::Forwarding { customer, .. } => customer.lane(lanes),
            Self::Commands { stream, .. } => stream.lane(lanes),
            // All instances hear all lanes; any will do, as long as an answer's pieces keep their order.
            Self::Who(Who { from, .. }) | Self::Here(Here { from, .. }) => from.as_u128() as u16 % lanes.max(1),
        }
    }

    /// One line of JSON without a line feed.
    pub fn encode(&self) -> String {
        match self {
            Self::Entry { epoch, entry } => {
                format!(r#"{{"epoch":"{epoch}","entry":{}}}"#, wire::entry::encode(entry))
            }
            Self::Head { room, epoch, seq } => wire::to_json(&WireWake {
                epoch: Some(epoch.to_string().into()),
                room: Some(room.as_str().into()),
                seq: Some(seq.get()),
                ..WireWake::default()
            }),
            Self::Notify { user, event } => wire::to_json(&WireWake {
                user: Some(user.as_str().into()),
                event: serde_json::from_str(event).ok(),
                ..WireWake::default()
            }),
            Self::Forwarding { customer, forwarding } => wire::to_json(&WireWake {
                customer: Some(customer.as_str().into()),
                room: Some(forwarding.room.as_str().into()),
                seq: Some(forwarding.seq.get()),
                way: Some(forwarding.way.word().into()),
                ..WireWake::default()
            }),
            Self::Disconnect { user } => {
                wire::to_json(&WireWake { user: Some(user.as_str().into()), ..WireWake::default() })
            }
            Self::Commands { stream, nonce, frame } => wire::to_json(&WireWake {
                stream: Some(stream.plain().into()),
                nonce: Some(*nonce),
                frame: Some(STANDARD.encode(frame).into()),
                ..WireWake::default()
            }),
            Self::Who(who) => format!(r#"{{"who":{}}}"#, wire::presence::encode_who(who)),
            Self::Here(here) => format!(r#"{{"here":{}}}"#, wire::presence::encode_here(here)),
        }
    }

    /// Reads one line. `None`: not one of ours, or of a newer version; the sweep makes up for what it said.
    pub fn decode(line: &str) -> Option<Self> {
        let wire: WireWake<'_> = serde_json::from_str(line).ok()?;
        if let Some(user) = &wire.user {
            let user = UserId::parse(user).ok()?;
            return Some(match wire.event {
                Some(event) => Self::Notify { user, event: event.get().to_owned() },
                None => Self::Disconnect { user },
            });
        }
        if let Some(customer) = &wire.customer {
            let forwarding = Forwarding {
                room: RoomId::parse(wire.room.as_deref()?).ok()?,
                seq: Seq::new(wire.seq?),
                way: Way::parse(wire.way.as_deref()?)?,
            };
            return Some(Self::Forwarding { customer: UserId::parse(customer).ok()?, forwarding });
        }
        if let Some(stream) = &wire.stream {
            let frame = STANDARD.decode(wire.frame.as_deref()?).ok()?.into();
            return Some(Self::Commands { stream: StreamId::parse_plain(stream)?, nonce: wire.nonce?, frame });
        }
        if let Some(who) = wire.who {
            return wire::presence::decode_who(who.get()).map(Self::Who);
        }
        if let Some(here) = wire.here {
            return wire::presence::decode_here(here.get()).map(Self::Here);
        }
        let epoch = Epoch::from_str(wire.epoch.as_deref()?).ok()?;
        match wire.entry {
            Some(entry) => Some(Self::Entry { epoch, entry: wire::entry::decode(entry.get())? }),
            None => {
                Some(Self::Head { room: RoomId::parse(wire.room.as_deref()?).ok()?, epoch, seq: Seq::new(wire.seq?) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        log::entry::{Timestamp, What},
        model::ids::Key,
    };

    #[test]
    fn every_wake_survives_the_bus() {
        let (room, user) = (RoomId::parse("general").unwrap(), UserId::parse("ana \"a\"").unwrap());
        let epoch = Epoch { incarnation: 9, generation: 1 };
        let entry = Entry {
            room: room.clone(),
            seq: Seq::new(3),
            id: uuid::Uuid::from_u128(1),
            from: user.clone(),
            at: Timestamp(5),
            key: Key::parse("k").unwrap(),
            what: What::Left { user: user.clone() },
        };
        for wake in [
            Wake::Entry { epoch, entry },
            Wake::Head { room: room.clone(), epoch, seq: Seq::new(3) },
            Wake::Notify { user: user.clone(), event: r#"{"a":1}"#.into() },
            Wake::Forwarding {
                customer: user.clone(),
                forwarding: Forwarding { room, seq: Seq::new(3), way: Way::Delayed },
            },
            Wake::Disconnect { user },
            Wake::Commands { stream: StreamId::new(uuid::Uuid::from_u128(9)), nonce: u64::MAX, frame: "\0{}\n".into() },
        ] {
            assert_eq!(Wake::decode(&wake.encode()), Some(wake));
        }
        assert_eq!(Wake::decode("{"), None);
        assert_eq!(Wake::decode(r#"{"later":"version"}"#), None);
    }
}
