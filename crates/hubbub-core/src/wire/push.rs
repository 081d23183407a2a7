//! What the server says unasked.

use super::{Format, disconnect::Disconnect, protobuf, reply::ClientInfo};
use crate::{
    delivery::forwarding::Forwarding,
    live::{
        item::{Item, SharedPush},
        presence::{Changes, Present},
    },
    log::{effects::HintKind, encoded::EncodedEntry, entry::Entry, features::Features},
    model::{
        ids::{RoomId, UserId},
        json::Json,
        seq::Seq,
    },
};
use bytes::Bytes;
use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

/// Why a subscription ended: from 2500 on the SDK subscribes again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsubscribed {
    /// The reader was removed or banned.
    Removed,
    /// The room was deleted.
    Deleted,
    /// The history it counted in is gone (2500): it subscribes again and is told "not recovered".
    Lost,
}

/// The channel of a room's log.
pub fn room_channel(room: &RoomId) -> String {
    format!("room:{room}")
}

/// The channel of a user's hints.
pub fn user_channel(user: &UserId) -> String {
    format!("user:{user}")
}

/// What comes before the channel, and between it and the data.
const HEAD: &str = r#"{"push":{"channel":"#;
const PUB: &str = r#","pub":"#;
const DATA: &str = r#"{"data":"#;

/// `{"push":{"channel":…,"pub":{"data":…,"offset":…}}}`. Channel and data are JSON; an offset of 0 is none.
fn publication(channel: &str, data: &[u8], offset: u64) -> SharedPush {
    let mut json = Vec::with_capacity(HEAD.len() + channel.len() + PUB.len() + DATA.len() + data.len() + 32);
    for part in [HEAD, channel, PUB, DATA] {
        json.extend_from_slice(part.as_bytes());
    }
    let start = json.len() as u32;
    json.extend_from_slice(data);
    let end = json.len() as u32;
    if offset > 0 {
        json.extend_from_slice(br#","offset":"#);
        json.extend_from_slice(offset.to_string().as_bytes());
    }
    json.extend_from_slice(b"}}}");
    SharedPush::new(json.into(), start..end)
}

/// One entry, framed for all readers of its room. Its own JSON is not read.
pub fn item(entry: &EncodedEntry) -> Arc<Item> {
    // A room id needs no escaping, by its alphabet.
    let channel = format!(r#""room:{}""#, entry.room);
    let push = publication(&channel, &entry.json, entry.seq.get());
    Item::new(entry.seq, entry.effects.clone(), push)
}

/// The same for an entry that was read from the store.
pub fn item_of(entry: &Entry) -> Arc<Item> {
    item(&EncodedEntry::new(entry))
}

/// What a signal says, framed for all readers of its room. It has no offset: nobody's position is moved by it.
pub fn signal(room: &RoomId, body: &Json) -> SharedPush {
    publication(&format!(r#""room:{room}""#), body.as_str().as_bytes(), 0)
}

/// A hint, framed for all devices of a user. It has no offset.
pub fn hint(user: &UserId, hint: &Hint<'_>) -> SharedPush {
    let channel = super::to_json(&user_channel(user));
    let data = match hint {
        Hint::Room(kind, room, seq) => {
            format!(r#"{{"type":"{}","room":"{room}","seq":{}}}"#, kind.word(), seq.get())
        }
        Hint::Deleted(room) => format!(r#"{{"type":"removed","room":"{room}"}}"#),
        Hint::Missed => r#"{"type":"missed"}"#.to_owned(),
        Hint::Forwarding(Forwarding { room, seq, way }) => {
            format!(r#"{{"type":"{}","room":"{room}","seq":{}}}"#, way.word(), seq.get())
        }
        Hint::Features(features) => {
            format!(r#"{{"type":"features","features":{}}}"#, super::to_json(&features.words()))
        }
        Hint::Signal(body) => (*body).to_owned(),
        Hint::Event(event) => format!(r#"{{"type":"event","event":{event}}}"#),
    };
    publication(&channel, data.as_bytes(), 0)
}

/// The bytes of an entry's push. In Protobuf they are made when the first reader asks for them.
pub fn of_item(item: &Item, format: Format) -> &Bytes {
    of(&item.push, item.seq.get(), format)
}

/// The bytes of a hint's push.
pub fn of_hint(push: &SharedPush, format: Format) -> &Bytes {
    of(push, 0, format)
}

fn of(push: &SharedPush, offset: u64, format: Format) -> &Bytes {
    match format {
        Format::Json => push.json(),
        Format::Protobuf => push.other(|push| protobuf::publication(channel(push), push.data(), offset)),
    }
}

/// The publication alone, `{"data":…,"offset":…}`: how a page in JSON repeats it.
pub(super) fn alone(push: &SharedPush) -> &[u8] {
    let end = push.json().len() - "}}".len();
    &push.json()[push.range().start - DATA.len()..end]
}

fn channel(push: &SharedPush) -> String {
    let end = push.range().start - DATA.len() - PUB.len();
    // It was written as JSON above.
    serde_json::from_slice::<Cow<'_, str>>(&push.json()[HEAD.len()..end]).unwrap_or_default().into_owned()
}

/// What a user's devices are told outside of any log. A hint may be lost: clients ask `rooms` after each connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint<'a> {
    /// `{"type":"added","room":…,"seq":…}`, `removed` or `changed`: what this entry of the room means to the user.
    Room(HintKind, &'a RoomId, Seq),
    /// `{"type":"removed","room":…}`: the room was deleted.
    Deleted(&'a RoomId),
    /// `{"type":"missed"}`: others may have been lost.
    Missed,
    /// `{"type":"forwarded","room":…,"seq":…}`, `forward_delayed` or `forward_failed`: how far a session's entries have got on
    /// their way to its portal.
    Forwarding(&'a Forwarding),
    /// `{"type":"features","features":[…]}`: others are on than when this connection was told last.
    Features(Features),
    /// What a signal says, as JSON.
    Signal(&'a str),
    /// `{"type":"event","event":…}`: an event of the product's backend, as JSON.
    Event(&'a str),
}

/// Who came to a room and who went, as pushes behind each other; encoded once per format. Leaves come first: one who
/// reconnected is there in the end.
#[derive(Debug)]
pub struct Joins {
    room: RoomId,
    changes: Changes,
    json: OnceLock<Bytes>,
    protobuf: OnceLock<Bytes>,
}

impl Joins {
    /// These changes of one room.
    pub const fn new(room: RoomId, changes: Changes) -> Self {
        Self { room, changes, json: OnceLock::new(), protobuf: OnceLock::new() }
    }

    /// The pushes.
    pub fn push(&self, format: Format) -> &Bytes {
        match format {
            Format::Json => self.json.get_or_init(|| self.lines().into()),
            Format::Protobuf => self.protobuf.get_or_init(|| protobuf::joins(&room_channel(&self.room), &self.changes)),
        }
    }

    fn lines(&self) -> String {
        let line = |what: &str, present: &Arc<Present>| {
            let info = super::to_json(&ClientInfo::of(present));
            format!(r#"{{"push":{{"channel":"room:{}","{what}":{{"info":{info}}}}}}}"#, self.room)
        };
        let left = self.changes.left.iter().map(|present| line("leave", present));
        let joined = self.changes.joined.iter().map(|present| line("join", present));
        left.chain(joined).collect::<Vec<_>>().join("\n")
    }
}

/// A ping.
pub const fn ping(format: Format) -> Bytes {
    Bytes::from_static(match format {
        Format::Json => b"{}",
        // An empty message after its length.
        Format::Protobuf => b"\0",
    })
}

/// The end of a subscription.
pub fn unsubscribe(room: &RoomId, why: Unsubscribed, format: Format) -> Bytes {
    let (code, reason) = match why {
        Unsubscribed::Removed => (2000, "removed from the room"),
        Unsubscribed::Deleted => (2001, "the room was deleted"),
        Unsubscribed::Lost => (2500, "insufficient state"),
    };
    match format {
        Format::Json => {
            format!(r#"{{"push":{{"channel":"room:{room}","unsubscribe":{{"code":{code},"reason":"{reason}"}}}}}}"#)
                .into()
        }
        Format::Protobuf => protobuf::unsubscribe(room_channel(room), code, reason),
    }
}

/// The end of a connection, where the transport has no close of its own.
pub fn disconnect(why: &Disconnect, format: Format) -> Bytes {
    match format {
        Format::Json => {
            let reason = super::to_json(&why.reason);
            format!(r#"{{"push":{{"disconnect":{{"code":{},"reason":{reason}}}}}}}"#, why.code).into()
        }
        Format::Protobuf => protobuf::disconnect(why),
    }
}
