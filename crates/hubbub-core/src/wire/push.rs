//! What the server says unasked.

use super::{Format, disconnect::Disconnect, protobuf, reply::ClientInfo};
use crate::{
    live::presence::{Changes, Present},
    log::entry::Entry,
    model::ids::{RoomId, UserId},
    portal::session::Forwarding,
};
use bytes::Bytes;
use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Why a subscription ended: from 2500 on the SDK subscribes again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsubscribed {
    /// The reader was removed or banned.
    Removed,
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

/// A publication as a push, encoded once per format and shared by everybody it goes to. In Protobuf that happens when the
/// first of those asks for it.
#[derive(Debug)]
pub struct Publication {
    json: Bytes,
    data: Range<u32>,
    offset: u64,
    protobuf: OnceLock<Bytes>,
}

/// What comes before the channel, and between it and the data.
const HEAD: &str = r#"{"push":{"channel":"#;
const PUB: &str = r#","pub":"#;
const DATA: &str = r#"{"data":"#;

impl Publication {
    /// Both are JSON; an offset of 0 is none.
    fn new(channel: &str, data: &str, offset: u64) -> Self {
        let mut json = String::with_capacity(HEAD.len() + channel.len() + PUB.len() + DATA.len() + data.len() + 32);
        for part in [HEAD, channel, PUB, DATA] {
            json.push_str(part);
        }
        let start = json.len() as u32;
        json.push_str(data);
        let end = json.len() as u32;
        if offset > 0 {
            json.push_str(r#","offset":"#);
            json.push_str(&offset.to_string());
        }
        json.push_str("}}}");
        Self { json: json.into(), data: start..end, offset, protobuf: OnceLock::new() }
    }

    /// One entry, to all readers of its room.
    pub fn of(entry: &Entry) -> Self {
        // A room id needs no escaping, by its alphabet.
        let channel = format!(r#""room:{}""#, entry.room);
        Self::new(&channel, &super::entry::encode(entry), entry.seq.get())
    }

    /// A hint, for all devices of a user. It has no offset.
    pub fn hint(user: &UserId, hint: &Hint<'_>) -> Self {
        let channel = super::to_json(&user_channel(user));
        let data = match hint {
            Hint::Added(room) => format!(r#"{{"type":"added","room":"{room}"}}"#),
            Hint::Removed(room) => format!(r#"{{"type":"removed","room":"{room}"}}"#),
            Hint::Forwarding(Forwarding { room, seq, way }) => {
                format!(r#"{{"type":"{}","room":"{room}","seq":{}}}"#, way.word(), seq.get())
            }
            Hint::Event(event) => format!(r#"{{"type":"event","event":{event}}}"#),
        };
        Self::new(&channel, &data, 0)
    }

    /// The push.
    pub fn push(&self, format: Format) -> &Bytes {
        match format {
            Format::Json => &self.json,
            Format::Protobuf => self.protobuf.get_or_init(|| protobuf::publication(self)),
        }
    }

    /// Bytes of the push in JSON; in Protobuf they are a few less.
    pub const fn size(&self) -> usize {
        self.json.len()
    }

    /// The publication alone, `{"data":…,"offset":…}`: how a page in JSON repeats it.
    pub fn json(&self) -> &[u8] {
        let end = self.json.len() - "}}".len();
        &self.json[self.data.start as usize - DATA.len()..end]
    }

    /// The data alone, JSON.
    pub(super) fn data(&self) -> Bytes {
        self.json.slice(self.data.start as usize..self.data.end as usize)
    }

    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn channel(&self) -> String {
        let end = self.data.start as usize - DATA.len() - PUB.len();
        // It was written as JSON above.
        serde_json::from_slice::<Cow<'_, str>>(&self.json[HEAD.len()..end]).unwrap_or_default().into_owned()
    }
}

/// What a user's devices are told outside of any log. A hint may be lost: clients ask `rooms` after each connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint<'a> {
    /// `{"type":"added","room":…}`: the user became a member.
    Added(&'a RoomId),
    /// `{"type":"removed","room":…}`: the user is a member no more.
    Removed(&'a RoomId),
    /// `{"type":"forwarded","room":…,"seq":…}`, `forward_delayed` or `forward_failed`: how far a session's entries have got on
    /// their way to its portal.
    Forwarding(&'a Forwarding),
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
