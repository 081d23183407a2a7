//! An entry as JSON: `{"type":"message","id":…,"room":…,"seq":…,"from":…,"at":…,"key":…,"text":…}`.
//!
//! First what every entry has, in this order, then the members of its body. On its way to readers an entry is written once, by
//! the instance that commits it; the wake and every reader on every instance share those bytes.

use super::{
    body::{Column, Columns, ToJson, push_string},
    effects::Effects,
    entry::Entry,
    kinds::{Kind, Message, What},
};
use crate::model::{ids::RoomId, seq::Seq};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt::Write};

/// An entry ready for its readers: its JSON, and what an instance must know of it without reading that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEntry {
    /// The room.
    pub room: RoomId,
    /// Its number in the room.
    pub seq: Seq,
    /// What every instance does when it meets it.
    pub effects: Effects,
    /// The entry, one line.
    pub json: Bytes,
}

impl EncodedEntry {
    /// Writes `entry`.
    pub fn new(entry: &Entry) -> Self {
        Self { room: entry.room.clone(), seq: entry.seq, effects: entry.what.effects(), json: encode(entry).into() }
    }
}

/// Stands in front of the key, which is the last of what every entry has. It cannot stand within a string before it: there,
/// quotes are escaped.
const KEY: &str = r#","key":""#;

/// The entry as JSON, one line.
pub fn encode(entry: &Entry) -> String {
    let mut json = String::with_capacity(256);
    json.push_str(r#"{"type":"#);
    push_string(&mut json, entry.what.word());
    // A UUID, a room id and a time need no escaping.
    let _ = write!(json, r#","id":"{}","room":"{}","seq":{},"from":"#, entry.id, entry.room, entry.seq);
    push_string(&mut json, entry.from.as_str());
    let _ = write!(json, r#","at":"{}","key":"#, entry.at);
    push_string(&mut json, entry.key.as_str());
    let mut json = ToJson(json);
    match &entry.what {
        What::Gone(gone) => push_gone(&mut json, entry.what.word(), gone.target, gone.thread, gone.in_room),
        What::Other(other) => push_columns(&mut json, &other.columns),
        known => known.write(&mut json),
    }
    json.0.push('}');
    json.0
}

/// The same, as a part of other JSON.
pub fn raw(entry: &Entry) -> Box<RawValue> {
    RawValue::from_string(encode(entry)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// What is left of the body of a blanked entry.
fn push_gone(json: &mut ToJson, word: &str, target: Option<Seq>, thread: Option<Seq>, in_room: bool) {
    use super::body::BodyWriter;
    let name = if Message::WORDS.contains(&word) { "reply_to" } else { "target" };
    json.seq(name, Column::Target, target);
    json.seq("thread", Column::Thread, thread);
    json.flag("in_room", Column::InRoom, in_room);
    json.raw("gone", "true");
}

/// The members of an entry's JSON that stay when it is blanked.
#[derive(Deserialize)]
struct Staying<'a> {
    #[serde(rename = "type", borrow)]
    word: Cow<'a, str>,
    reply_to: Option<Seq>,
    target: Option<Seq>,
    thread: Option<Seq>,
    #[serde(default)]
    in_room: bool,
}

/// The same JSON with its content blanked. `None`: this is no entry's JSON.
pub fn blanked(json: &str) -> Option<String> {
    let key = json.find(KEY)? + KEY.len();
    let mut escaped = false;
    let end = json[key..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let staying: Staying<'_> = serde_json::from_str(json).ok()?;
    let mut blank = ToJson(json[..=key + end].to_owned());
    let target = staying.reply_to.or(staying.target);
    push_gone(&mut blank, &staying.word, target, staying.thread, staying.in_room);
    blank.0.push('}');
    Some(blank.0)
}

/// The members of an entry whose kind is not known, by the names that members with columns have in every newer kind.
fn push_columns(json: &mut ToJson, columns: &Columns<'_>) {
    use super::body::BodyWriter;
    json.string("text", Column::Text, columns.text.as_deref());
    if let Some(data) = &columns.data {
        json.raw("data", data);
    }
    json.seq("target", Column::Target, columns.target);
    json.string("user", Column::Subject, columns.subject.as_deref());
    json.string("role", Column::Role, columns.rank.as_deref().or(columns.role.as_deref()));
    json.seq("thread", Column::Thread, columns.thread);
    json.flag("in_room", Column::InRoom, columns.in_room);
    let members = columns.body.as_deref().and_then(|body| body.strip_prefix('{')?.strip_suffix('}'));
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        json.0.push(',');
        json.0.push_str(members);
    }
}

#[cfg(test)]
mod tests;
