//! What the answer to a call means, and what is picked from it.

use super::{Call, Success, event::Document, template::Fault};
use crate::{
    delivery::{progress::Picked, retry::Class},
    limits::EXTERNAL_BYTES,
    model::{ijson, json::is_deeper},
    portal::mapping::{id_in, raw_at},
};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

/// What stands before the name of a header, where something is picked from one.
pub(super) const HEADER: &str = "header:";
/// Deepest nesting of an answer that is read.
const DEPTH: usize = crate::limits::HOOK_DEPTH;

/// What the portal's answer told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What was picked from it.
    pub picked: Picked,
    /// The portal's id of our message.
    pub message_id: Option<String>,
}

/// An answer's body, where it is JSON.
fn json(body: &[u8]) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(body).ok().filter(|text| !is_deeper(text.as_bytes(), DEPTH))?;
    RawValue::from_string(ijson::mended(text.trim()).into_owned()).ok()
}

impl Success {
    /// Whether this status is one of success.
    fn is_success(&self, status: u16) -> bool {
        if self.status.is_empty() { (200..=299).contains(&status) } else { self.status.contains(&status) }
    }
}

impl Call {
    /// What an answer says besides its status; `None`: its status alone decides.
    pub fn says(&self, status: u16, body: &[u8]) -> Option<Class> {
        let success = &self.success;
        let value = json(body).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let finds = |(pointer, values): (&String, &Vec<Value>)| {
            value.as_ref().and_then(|value| value.pointer(pointer)).is_some_and(|found| values.contains(found))
        };
        if success.credentials.iter().any(finds) {
            return Some(Class::Credentials);
        }
        if success.throttled.iter().any(finds) {
            return Some(Class::Throttled);
        }
        if success.down.iter().any(finds) {
            return Some(Class::Down);
        }
        if success.done.iter().any(finds) {
            return Some(Class::Taken);
        }
        if success.is_success(status) {
            // What a search has found is in the answer, or nobody knows what it has found.
            let is_unread = self.found.is_some() && value.is_none() && (200..=299).contains(&status);
            let is_met = success.require.iter().all(finds) && !is_unread;
            return Some(if is_met { Class::Taken } else { Class::Refused });
        }
        match status {
            200..=299 => Some(Class::Refused),
            // Whatever the event is, there is nothing where the settings say.
            404 if !self.goes_by_event() => Some(Class::Credentials),
            _ => None,
        }
    }

    /// What an answer of success tells, with its headers, whose names are in lower case.
    ///
    /// # Errors
    /// Where what it is compared with cannot be filled in.
    pub fn tells(&self, body: &[u8], headers: &[(String, String)], event: &Document) -> Result<Told, Fault> {
        let mut told = Told::default();
        let body = json(body);
        let item = body.as_deref().map_or(Ok(None), |body| self.meant(body, event))?;
        if item.is_none() && self.each.is_some() {
            return Ok(told);
        }
        let header = |name: &str| {
            let found = headers.iter().find(|(other, value)| other.eq_ignore_ascii_case(name) && !value.is_empty());
            found.map(|(_, value)| value.clone()).filter(|value| value.len() <= EXTERNAL_BYTES)
        };
        let at = |place: &str| match place.strip_prefix(HEADER) {
            Some(name) => header(name),
            None => id_in(item?.get(), place),
        };
        told.message_id = self.message_id.as_deref().and_then(at);
        let is_there = |json: &RawValue| !matches!(json.get(), "null" | r#""""#);
        let finds = |pointer: &str| item.and_then(|item| raw_at(item, pointer)).is_some_and(is_there);
        if self.found.as_deref().is_none_or(finds) {
            let picks = self.pick.iter().filter_map(|(name, place)| Some((name.clone(), at(place)?)));
            let mut refs: BTreeMap<_, _> = picks.collect();
            told.picked = Picked { external: refs.remove("external"), refs };
        }
        Ok(told)
    }
}
