//! From the bytes of a body to its events.

use super::{BodyFormat, Event, Mapping, find};
use crate::{
    limits::{HOOK_DEPTH, HOOK_EVENTS},
    model::{ijson, json::is_deeper},
};
use find::Item;
use serde_json::{Map, Value, value::RawValue};
use std::borrow::Cow;

/// What a body is.
#[derive(Debug, Clone, PartialEq)]
pub enum Mapped {
    /// It wants to be answered by this text, and creates nothing.
    Challenge(String),
    /// It has events.
    Events {
        /// The messages, in order.
        events: Vec<Event>,
        /// How many others the filters passed over.
        passed_over: usize,
    },
}

/// Why nothing can be made of a body: all of it, no part of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// It says that it is something else.
    #[error("the content type is {given}; it should be {wanted}")]
    ContentType {
        /// What it says it is.
        given: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// It is no JSON.
    #[error("no JSON: {0}")]
    NotJson(String),
    /// Its JSON is nested too deep.
    #[error("nested deeper than {HOOK_DEPTH} levels")]
    TooDeep,
    /// Something that must be there is not.
    #[error("{at} finds nothing")]
    Missing {
        /// The pointer, and in which event.
        at: String,
    },
    /// Something is there, but of another type.
    #[error("{at} finds something that is not {wanted}")]
    WrongType {
        /// The pointer, and in which event.
        at: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// There are too many events in it that the filters let through.
    #[error("{0} events; the limit is {HOOK_EVENTS}")]
    TooMany(usize),
    /// Something is too long.
    #[error("{at} finds {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// The pointer, and in which event.
        at: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A character that cannot be kept.
    #[error("{at} finds the character U+0000, which is not allowed")]
    Zero {
        /// The pointer, and in which event.
        at: String,
    },
    /// A message that says nothing.
    #[error("{at} finds an empty text, and nothing is attached")]
    Empty {
        /// The pointer, and in which event.
        at: String,
    },
    /// What is attached cannot be kept.
    #[error("{at}: {problem}")]
    Attachments {
        /// The pointer, and in which event.
        at: String,
        /// What is wrong, with the limit.
        problem: String,
    },
}

impl Unmapped {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::ContentType { .. } => 415,
            Self::NotJson(_) | Self::TooDeep => 400,
            Self::Missing { .. }
            | Self::WrongType { .. }
            | Self::TooMany(_)
            | Self::TooLong { .. }
            | Self::Zero { .. }
            | Self::Empty { .. }
            | Self::Attachments { .. } => 422,
        }
    }
}

impl Mapping {
    /// What this body means.
    ///
    /// # Errors
    /// Why nothing can be made of it, with the pointer.
    pub fn read(&self, content_type: Option<&str>, body: &[u8]) -> Result<Mapped, Unmapped> {
        let text = self.json(content_type, body)?;
        if is_deeper(text.as_bytes(), HOOK_DEPTH) {
            return Err(Unmapped::TooDeep);
        }
        // A customer waits for this answer: what others could not read of it is mended.
        let text = ijson::mended(&text);
        let not_json = |why: serde_json::Error| Unmapped::NotJson(why.to_string());
        let value: Value = serde_json::from_str(&text).map_err(not_json)?;
        let raw: &RawValue = serde_json::from_str(&text).map_err(not_json)?;
        let whole = Item { event: &value, event_text: raw, body: &value, body_text: raw, index: None };
        if let Some(challenge) = &self.challenge
            && finds(&whole, &challenge.when)
        {
            let reply = whole.word(&challenge.reply)?;
            let missing = || Unmapped::Missing { at: whole.at(&challenge.reply) };
            return reply.map(|reply| Mapped::Challenge(reply.into_owned())).ok_or_else(missing);
        }
        if !self.names_a_conversation() || !self.says_something() {
            return Ok(Mapped::Events { events: vec![], passed_over: 1 });
        }
        let Some(each) = &self.each else { return self.events(&[whole]) };
        // A body that is not meant may not even have such an array.
        if !self.wants(&whole, |pointer| pointer.starts_with('#')) {
            return Ok(Mapped::Events { events: vec![], passed_over: 1 });
        }
        let at = format!("`{each}`");
        let items = match value.pointer(each) {
            Some(Value::Array(items)) => items,
            None | Some(Value::Null) => return Err(Unmapped::Missing { at }),
            Some(_) => return Err(Unmapped::WrongType { at, wanted: "an array" }),
        };
        let texts = find::raw_at(raw, each).map(find::items).unwrap_or_default();
        let items: Vec<_> = items
            .iter()
            .zip(texts)
            .enumerate()
            .map(|(n, (event, event_text))| Item { event, event_text, index: Some(n), ..whole })
            .collect();
        self.events(&items)
    }

    /// The body as JSON, in whatever format it came.
    fn json<'a>(&self, content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, str>, Unmapped> {
        let kind = content_type.map(|said| said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let is = |wanted: &'static str, fits: fn(&str) -> bool| match &kind {
            Some(kind) if !fits(kind) => Err(Unmapped::ContentType { given: kind.chars().take(100).collect(), wanted }),
            _ => Ok(()),
        };
        if self.format == BodyFormat::Json {
            is("application/json", |kind| {
                kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
            })?;
            let text = std::str::from_utf8(body).map_err(|why| Unmapped::NotJson(why.to_string()))?;
            return Ok(text.into());
        }
        is("application/x-www-form-urlencoded", |kind| kind == "application/x-www-form-urlencoded")?;
        let fields = form_urlencoded::parse(body);
        let BodyFormat::FormField(wanted) = &self.format else {
            let fields: Map<_, _> = fields.map(|(name, value)| (name.into_owned(), value.into())).collect();
            return Ok(Value::Object(fields).to_string().into());
        };
        let found = fields.into_iter().find(|(name, _)| name == wanted);
        let missing = || Unmapped::Missing { at: format!("the form's field `{wanted}`") };
        found.map(|(_, value)| value.into_owned().into()).ok_or_else(missing)
    }

    fn events(&self, items: &[Item<'_>]) -> Result<Mapped, Unmapped> {
        let wanted: Vec<_> = items.iter().filter(|item| self.wants(item, |_| true)).collect();
        if wanted.len() > HOOK_EVENTS {
            return Err(Unmapped::TooMany(wanted.len()));
        }
        let events = wanted.into_iter().map(|item| self.event(item)).collect::<Result<Vec<_>, _>>()?;
        let passed_over = items.len() - events.len();
        Ok(Mapped::Events { events, passed_over })
    }

    /// Whether the filters on pointers that are `asked` let it through.
    fn wants(&self, item: &Item<'_>, asked: fn(&str) -> bool) -> bool {
        let nothing = |pointer: &String| match item.value(pointer) {
            None => true,
            Some(value) => *value == Value::Bool(false) || value.as_str() == Some(""),
        };
        let not_true = |pointer: &String| item.value(pointer).is_none_or(|value| *value == Value::Bool(false));
        let asked = |pointer: &&String| asked(pointer.as_str());
        finds(item, self.require.iter().filter(|(pointer, _)| asked(pointer)))
            && self.forbid.iter().filter(asked).all(nothing)
            && self.equals_false.iter().filter(asked).all(not_true)
    }
}

/// Whether each pointer finds one of its values.
fn finds<'a>(item: &Item<'_>, values: impl IntoIterator<Item = (&'a String, &'a Vec<Value>)>) -> bool {
    values.into_iter().all(|(pointer, values)| {
        // Null is a value like others here, where settings name it.
        let found = match pointer.strip_prefix('#') {
            Some(pointer) => item.body.pointer(pointer),
            None => item.event.pointer(pointer),
        };
        found.is_some_and(|found| values.contains(found))
    })
}
