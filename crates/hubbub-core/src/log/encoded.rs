//! An entry as JSON: `{"type":"message","id":…,"room":…,"seq":…,"from":…,"at":…,"key":…,"text":…}`.
//!
//! First what every entry has, in this order, then the members of its body. On its way to readers an entry is written once, by
//! the instance that commits it; the wake and every reader on every instance share those bytes.

use super::{
    body::{Column, Columns, ToJson, push_string},
    effects::Effects,
    entry::Entry,
    kinds::What,
};
use crate::model::{ids::RoomId, seq::Seq};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::fmt::Write;

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
        What::Gone(_) => json.0.push_str(GONE),
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

const GONE: &str = r#","gone":true"#;

/// The same JSON with its content blanked. `None`: this is no entry's JSON.
pub fn blanked(json: &str) -> Option<String> {
    let key = json.find(KEY)? + KEY.len();
    let mut escaped = false;
    let end = json[key..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(format!("{}{GONE}}}", &json[..=key + end]))
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
    json.string("role", Column::Role, columns.role.as_deref());
    let members = columns.body.as_deref().and_then(|body| body.strip_prefix('{')?.strip_suffix('}'));
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        json.0.push(',');
        json.0.push_str(members);
    }
}

#[cfg(test)]
mod tests;
