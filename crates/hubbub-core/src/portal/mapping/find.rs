//! Looking things up in a body, as they were written: an id that is a number keeps its digits.

use super::read::Unmapped;
use crate::limits::EXTERNAL_BYTES;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap};

/// One event of a body, and the body around it.
#[derive(Clone, Copy)]
pub(in crate::portal) struct Item<'a> {
    pub event: &'a Value,
    pub event_text: &'a RawValue,
    pub body: &'a Value,
    pub body_text: &'a RawValue,
    /// Which of several it is.
    pub index: Option<usize>,
}

impl<'a> Item<'a> {
    /// How a pointer is named to people.
    pub fn at(&self, pointer: &str) -> String {
        match self.index {
            Some(index) if !pointer.starts_with('#') => format!("`{pointer}` of event {index}"),
            _ => format!("`{pointer}`"),
        }
    }

    /// What is there, null included.
    pub fn anything(&self, pointer: &str) -> Option<&'a Value> {
        match pointer.strip_prefix('#') {
            Some(pointer) => self.body.pointer(pointer),
            None => self.event.pointer(pointer),
        }
    }

    /// What is there; null is nothing.
    pub fn value(&self, pointer: &str) -> Option<&'a Value> {
        self.anything(pointer).filter(|value| !value.is_null())
    }

    /// The same, as it was written.
    pub fn text(&self, pointer: &str) -> Option<&'a RawValue> {
        match pointer.strip_prefix('#') {
            Some(pointer) => raw_at(self.body_text, pointer),
            None => raw_at(self.event_text, pointer),
        }
    }

    /// Everything that is there, as it was written: `*` stands for every item of an array.
    pub fn all_texts(&self, pointer: &str) -> Vec<&'a RawValue> {
        match pointer.split_once("/*") {
            Some((before, after)) if after.is_empty() || after.starts_with('/') => {
                let Some(raw) = self.text(before).filter(|raw| raw.get().starts_with('[')) else { return vec![] };
                let within = |raw| Self { event_text: raw, body_text: raw, ..*self }.all_texts(after);
                items(raw).into_iter().flat_map(within).collect()
            }
            _ => self.text(pointer).into_iter().collect(),
        }
    }

    /// JSON that is written as a text there.
    pub fn json_text(&self, pointer: &str) -> Result<&'a str, Unmapped> {
        match self.value(pointer) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Unmapped::WrongType { at: self.at(pointer), wanted: "a text that holds JSON" }),
            None => Err(Unmapped::Missing { at: self.at(pointer) }),
        }
    }

    /// Everything that is there: `*` stands for every item of an array.
    pub fn all(&self, pointer: &str) -> Vec<&'a Value> {
        let (from, pointer) = match pointer.strip_prefix('#') {
            Some(pointer) => (self.body, pointer),
            None => (self.event, pointer),
        };
        let mut found = vec![from];
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            found = found
                .into_iter()
                .flat_map(|value| match value {
                    // No array has an item of this name, so nothing is hidden by it.
                    Value::Array(items) if step == "*" => items.iter().collect(),
                    Value::Array(items) => index(&step).and_then(|n| items.get(n)).into_iter().collect(),
                    Value::Object(fields) => fields.get(&step).into_iter().collect::<Vec<_>>(),
                    _ => vec![],
                })
                .collect();
        }
        found.retain(|value| !value.is_null());
        found
    }

    /// A text or a number; an empty text is nothing.
    pub fn word(&self, pointer: &str) -> Result<Option<Cow<'a, str>>, Unmapped> {
        let word = match self.value(pointer) {
            None => return Ok(None),
            Some(Value::String(text)) => Cow::from(text),
            // A number that is no whole one, or has more digits than 64 bits, is not what was written.
            Some(Value::Number(number)) if number.is_f64() => {
                self.text(pointer).map_or_else(|| number.to_string().into(), |raw| raw.get().into())
            }
            Some(Value::Number(number)) => number.to_string().into(),
            Some(_) => return Err(Unmapped::WrongType { at: self.at(pointer), wanted: "a text or a number" }),
        };
        if word.contains('\0') {
            return Err(Unmapped::Zero { at: self.at(pointer) });
        }
        Ok((!word.is_empty()).then_some(word))
    }

    /// The same, no longer than an id may be.
    pub fn id(&self, pointer: &str) -> Result<Option<Cow<'a, str>>, Unmapped> {
        let word = self.word(pointer)?;
        match &word {
            Some(word) if word.len() > EXTERNAL_BYTES => {
                Err(Unmapped::TooLong { at: self.at(pointer), bytes: word.len(), limit: EXTERNAL_BYTES })
            }
            _ => Ok(word),
        }
    }
}

fn index(step: &str) -> Option<usize> {
    let is_canonical = step == "0" || !step.starts_with(['0', '+']);
    is_canonical.then(|| step.parse().ok()).flatten()
}

/// What is at a pointer, as it was written.
pub(in crate::portal) fn raw_at<'a>(mut raw: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        raw = if raw.get().starts_with('[') {
            items(raw).get(index(&step)?)?
        } else {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()).ok()?.remove(&step)?
        };
    }
    Some(raw)
}

/// An id in JSON that is no event: a text, or a number with the digits it was written with.
pub(in crate::portal) fn id_in(json: &str, pointer: &str) -> Option<String> {
    let (value, raw): (Value, &RawValue) = (serde_json::from_str(json).ok()?, serde_json::from_str(json).ok()?);
    let whole = Item { event: &value, event_text: raw, body: &value, body_text: raw, index: None };
    whole.id(pointer).ok()?.map(Cow::into_owned)
}

/// The items of an array, as they were written.
pub(in crate::portal) fn items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}
