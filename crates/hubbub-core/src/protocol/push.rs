//! What the server says unasked.

use crate::{
    entry::Entry,
    ids::{RoomId, UserId},
};
use bytes::Bytes;

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

/// One entry, to all readers of its room: the frame, and where in it the publication stands.
pub fn publication(entry: &Entry) -> (Bytes, std::ops::Range<usize>) {
    // A room id needs no escaping, by its alphabet.
    let mut frame = format!(r#"{{"push":{{"channel":"room:{}","pub":"#, entry.room);
    let start = frame.len();
    frame.push_str(r#"{"data":"#);
    frame.push_str(&super::entry::encode(entry));
    frame.push_str(&format!(r#","offset":{}}}"#, entry.seq));
    let end = frame.len();
    frame.push_str("}}");
    (frame.into(), start..end)
}

/// What a user's devices are told outside of any log. A hint may be lost: clients ask `rooms` after each connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint<'a> {
    /// `{"type":"added","room":…}`: the user became a member.
    Added(&'a RoomId),
    /// `{"type":"removed","room":…}`: the user is a member no more.
    Removed(&'a RoomId),
    /// `{"type":"event","event":…}`: an event of the product's backend, as JSON.
    Event(&'a str),
}

/// A hint, for all devices of a user. It has no offset.
pub fn hint(user: &UserId, hint: &Hint<'_>) -> Bytes {
    let channel = super::to_json(&user_channel(user));
    let data = match hint {
        Hint::Added(room) => format!(r#"{{"type":"added","room":"{room}"}}"#),
        Hint::Removed(room) => format!(r#"{{"type":"removed","room":"{room}"}}"#),
        Hint::Event(event) => format!(r#"{{"type":"event","event":{event}}}"#),
    };
    format!(r#"{{"push":{{"channel":{channel},"pub":{{"data":{data}}}}}}}"#).into()
}

/// The end of a subscription.
pub fn unsubscribe(room: &RoomId, why: Unsubscribed) -> Bytes {
    let (code, reason) = match why {
        Unsubscribed::Removed => (2000, "removed from the room"),
        Unsubscribed::Lost => (2500, "insufficient state"),
    };
    format!(r#"{{"push":{{"channel":"room:{room}","unsubscribe":{{"code":{code},"reason":"{reason}"}}}}}}"#).into()
}
