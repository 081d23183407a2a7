//! What one instance tells the others. A wake may be lost, doubled, late or early; nothing may depend on it but latency.

use super::{
    online::{AreOnline, WhoIsOnline},
    presence::{Here, Who},
    presence_json,
};
use crate::{
    delivery::forwarding::{Forwarding, Way},
    live::{
        fingerprint::Fingerprint,
        receipt::{PassedOn, Receipt, WantsReceipt},
        signal::{self, Audience, Signal},
        stream_id::StreamId,
    },
    log::{body::Columns, effects::Effects, encoded::EncodedEntry, kinds::What},
    model::{
        farewell::Farewell,
        ids::{RoomId, UserId},
        json::to_json,
        seq::{Epoch, Seq},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    fmt::{self, Write},
    str::FromStr,
};

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A room has reached `entry.seq`, and this is the entry: a healthy bus makes delivering it cost no read.
    Entry {
        /// The epoch of its number.
        epoch: Epoch,
        /// The entry.
        entry: EncodedEntry,
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
    /// Close all connections of one user.
    Disconnect {
        /// Whose connections.
        user: UserId,
        /// How.
        farewell: Farewell,
    },
    /// A token that is not to be taken again for a while.
    Spent(Fingerprint),
    /// Tokens of somebody are not taken any more: the store has this change and all before it.
    Revoked(u64),
    /// Commands of a client, taken in by an instance that does not hold its stream.
    Commands(PassedOn),
    /// What became of such commands.
    Receipt(Receipt),
    /// Commands of this stream may have been lost: it is to end, and its client to come again.
    EndStream(StreamId),
    /// Who follows these rooms on your side?
    Who(Who),
    /// The answer.
    Here(Here),
    /// Which of these users are on your side?
    WhoIsOnline(WhoIsOnline),
    /// The answer.
    AreOnline(AreOnline),
    /// Something that people are told as it happens, and that is kept nowhere.
    Signal(Signal),
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct WireWake<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    epoch: Option<Cow<'a, str>>,
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
    // Not `user` either: a version that does not know this wake would close for good.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    renew: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    spent: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    stream: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    frame: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wants: Option<WantsReceipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    end_stream: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    who: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    here: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    signal: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    who_is_online: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    are_online: Option<&'a RawValue>,
}

impl Wake {
    /// The lane it travels on: a room's wakes keep the order they were published in.
    pub fn lane(&self, lanes: u16) -> u16 {
        match self {
            Self::Entry { entry, .. } => entry.room.lane(lanes),
            Self::Head { room, .. } => room.lane(lanes),
            Self::Notify { user, .. } | Self::Disconnect { user, .. } => user.lane(lanes),
            Self::Spent(token) => token.lane(lanes),
            Self::Revoked(number) => (number % u64::from(lanes.max(1))) as u16,
            Self::Forwarding { customer, .. } => customer.lane(lanes),
            Self::Commands(PassedOn { stream, .. }) | Self::EndStream(stream) => stream.lane(lanes),
            // Behind the entries that it follows.
            Self::Signal(Signal { audience: Audience::Room(saying), .. }) => saying.room.lane(lanes),
            Self::Signal(Signal { audience: Audience::User(user), .. }) => user.lane(lanes),
            Self::Signal(Signal { audience: Audience::Member(room, _), .. }) => room.lane(lanes),
            Self::Receipt(receipt) => (receipt.nonce % u64::from(lanes.max(1))) as u16,
            // All instances hear all lanes; any will do, as long as an answer's pieces keep their order.
            Self::Who(Who { from, .. })
            | Self::Here(Here { from, .. })
            | Self::WhoIsOnline(WhoIsOnline { from, .. })
            | Self::AreOnline(AreOnline { from, .. }) => from.as_u128() as u16 % lanes.max(1),
        }
    }

    /// One line of JSON without a line feed.
    pub fn encode(&self) -> String {
        let mut line = String::new();
        self.write(&mut line);
        line
    }

    /// Writes the same line at the end of `to`, which does not fail: a string or a buffer.
    pub fn write(&self, to: &mut impl Write) {
        let json = match self {
            Self::Entry { epoch, entry } => {
                let _ = write_entry(to, *epoch, entry);
                return;
            }
            Self::Head { room, epoch, seq } => to_json(&WireWake {
                epoch: Some(epoch.to_string().into()),
                room: Some(room.as_str().into()),
                seq: Some(seq.get()),
                ..WireWake::default()
            }),
            Self::Notify { user, event } => to_json(&WireWake {
                user: Some(user.as_str().into()),
                event: serde_json::from_str(event).ok(),
                ..WireWake::default()
            }),
            Self::Forwarding { customer, forwarding } => to_json(&WireWake {
                customer: Some(customer.as_str().into()),
                room: Some(forwarding.room.as_str().into()),
                seq: Some(forwarding.seq.get()),
                way: Some(forwarding.way.word().into()),
                ..WireWake::default()
            }),
            Self::Disconnect { user, farewell: Farewell { reconnect, reason } } => {
                let user = Some(user.as_str().into());
                let (user, renew) = if *reconnect { (None, user) } else { (user, None) };
                to_json(&WireWake { user, renew, reason: reason.as_deref().map(Cow::from), ..WireWake::default() })
            }
            Self::Spent(token) => to_json(&WireWake { spent: Some(token.plain().into()), ..WireWake::default() }),
            Self::Revoked(number) => to_json(&WireWake { revoked: Some(*number), ..WireWake::default() }),
            Self::Commands(PassedOn { stream, nonce, frame, receipt }) => to_json(&WireWake {
                stream: Some(stream.plain().into()),
                nonce: Some(*nonce),
                frame: Some(STANDARD.encode(frame).into()),
                wants: *receipt,
                ..WireWake::default()
            }),
            Self::Receipt(receipt) => to_json(&WireWake { receipt: Some(*receipt), ..WireWake::default() }),
            Self::EndStream(stream) => {
                to_json(&WireWake { end_stream: Some(stream.plain().into()), ..WireWake::default() })
            }
            Self::Who(who) => format!(r#"{{"who":{}}}"#, presence_json::encode_who(who)),
            Self::Here(here) => format!(r#"{{"here":{}}}"#, presence_json::encode_here(here)),
            Self::WhoIsOnline(question) => format!(r#"{{"who_is_online":{}}}"#, question.encode()),
            Self::AreOnline(answer) => format!(r#"{{"are_online":{}}}"#, answer.encode()),
            Self::Signal(signal) => format!(r#"{{"signal":{}}}"#, signal::encode(signal)),
        };
        let _ = to.write_str(&json);
    }

    /// Reads one line. `None`: not one of ours, or of a newer version; the sweep makes up for what it said.
    pub fn decode(line: &Bytes) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        if let Some(head) = text.starts_with(EPOCH).then(|| text.find(ENTRY)).flatten() {
            let entry = line.slice(head + ENTRY.len()..line.len() - 1);
            return decode_entry(&text[..head], entry);
        }
        let wire: WireWake<'_> = serde_json::from_str(text).ok()?;
        if let Some(user) = &wire.user {
            let user = UserId::parse(user).ok()?;
            return Some(match wire.event {
                Some(event) => Self::Notify { user, event: event.get().to_owned() },
                None => Self::Disconnect { user, farewell: Farewell::new(false, reason(&wire)).unwrap_or_default() },
            });
        }
        if let Some(user) = &wire.renew {
            let farewell = Farewell::new(true, reason(&wire)).ok()?;
            return Some(Self::Disconnect { user: UserId::parse(user).ok()?, farewell });
        }
        if let Some(token) = &wire.spent {
            return Fingerprint::parse_plain(token).map(Self::Spent);
        }
        if let Some(number) = wire.revoked {
            return Some(Self::Revoked(number));
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
            let (stream, nonce) = (StreamId::parse_plain(stream)?, wire.nonce?);
            return Some(Self::Commands(PassedOn { stream, nonce, frame, receipt: wire.wants }));
        }
        if let Some(receipt) = wire.receipt {
            return Some(Self::Receipt(receipt));
        }
        if let Some(stream) = &wire.end_stream {
            return StreamId::parse_plain(stream).map(Self::EndStream);
        }
        if let Some(who) = wire.who {
            return presence_json::decode_who(who.get()).map(Self::Who);
        }
        if let Some(here) = wire.here {
            return presence_json::decode_here(here.get()).map(Self::Here);
        }
        if let Some(question) = wire.who_is_online {
            return WhoIsOnline::decode(question.get()).map(Self::WhoIsOnline);
        }
        if let Some(answer) = wire.are_online {
            return AreOnline::decode(answer.get()).map(Self::AreOnline);
        }
        if let Some(signal) = wire.signal {
            return signal::decode(signal.get()).map(Self::Signal);
        }
        let epoch = Epoch::from_str(wire.epoch.as_deref()?).ok()?;
        Some(Self::Head { room: RoomId::parse(wire.room.as_deref()?).ok()?, epoch, seq: Seq::new(wire.seq?) })
    }
}

fn reason(wire: &WireWake<'_>) -> Option<String> {
    wire.reason.as_ref().map(|reason| reason.clone().into_owned())
}

/// How a wake with an entry begins, in every version.
const EPOCH: &str = r#"{"epoch":""#;

/// Stands in front of the entry, which is the last member. It cannot stand within a string before it: there, quotes are escaped.
const ENTRY: &str = r#","entry":"#;

/// What stands in front of the entry. Versions before this one wrote the epoch alone.
#[derive(Deserialize)]
struct EntryHead<'a> {
    epoch: &'a str,
    #[serde(borrow, default)]
    room: Option<&'a str>,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    effects: Effects,
}

/// What an entry says of itself, for wakes that do not say it in front.
#[derive(Deserialize)]
struct EntryWithoutHead<'a> {
    #[serde(rename = "type", borrow)]
    word: Cow<'a, str>,
    room: &'a str,
    seq: u64,
    #[serde(borrow, default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
}

fn write_entry(to: &mut impl Write, epoch: Epoch, entry: &EncodedEntry) -> fmt::Result {
    let EncodedEntry { room, seq, effects, json } = entry;
    let json = str::from_utf8(json).unwrap_or("null");
    match effects.json() {
        None => write!(to, r#"{EPOCH}{epoch}","room":"{room}","seq":{seq}{ENTRY}"#)?,
        Some(effects) => write!(to, r#"{EPOCH}{epoch}","room":"{room}","seq":{seq},"effects":{effects}{ENTRY}"#)?,
    }
    to.write_str(json)?;
    to.write_char('}')
}

/// The entry itself is not read: it goes to its readers as it came.
fn decode_entry(head: &str, json: Bytes) -> Option<Wake> {
    let head = format!("{head}}}");
    let head: EntryHead<'_> = serde_json::from_str(&head).ok()?;
    let epoch = Epoch::from_str(head.epoch).ok()?;
    let entry = match head.room {
        Some(room) => {
            EncodedEntry { room: RoomId::parse(room).ok()?, seq: Seq::new(head.seq), effects: head.effects, json }
        }
        None => without_head(json)?,
    };
    Some(Wake::Entry { epoch, entry })
}

fn without_head(json: Bytes) -> Option<EncodedEntry> {
    let said: EntryWithoutHead<'_> = serde_json::from_slice(&json).ok()?;
    let columns = Columns { subject: said.user.or(said.name), role: said.role, ..Columns::default() };
    let effects = What::read(&said.word, columns, Effects::default()).ok()?.effects();
    Some(EncodedEntry { room: RoomId::parse(said.room).ok()?, seq: Seq::new(said.seq), effects, json })
}

#[cfg(test)]
mod tests;
