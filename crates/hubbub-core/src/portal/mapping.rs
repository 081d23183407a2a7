//! What the body of an incoming webhook means: JSON Pointers (RFC 6901) as data, so that a new portal needs no code.

use super::challenge::Challenge;
use crate::model::ids::Invalid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

mod body;
mod event;
mod find;
mod native;
mod read;

pub use body::Body;
pub use event::{Event, message_id_in, names_message};
pub(super) use find::{Item, id_in, items, raw_at};
pub use native::native;
pub use read::{Mapped, Refusal, Unmapped};
pub(super) use read::{finds, read};

/// Where things are in a body. Pointers are looked up in each event: the body itself, or each item of the array at `each`; one that
/// begins with `#` is looked up in the body in any case, and filters on such pointers come before the array is looked for. Null is nothing. A mapping that is given is the whole mapping: what it does
/// not name is not looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What an event is: a message, or an edit or a deletion of the message whose id is at `message_id`.
    // Left out where it is a message, so that an instance of a version that knows nothing else reads the settings.
    #[serde(default, skip_serializing_if = "Meaning::is_message")]
    pub means: Meaning,
    /// An array whose items are events of their own. A `*` between its slashes stands for every item of an array around it.
    #[serde(default)]
    pub each: Option<String>,
    /// Our session id.
    #[serde(default)]
    pub session: Option<String>,
    /// The portal's own id of the conversation; several pointers are joined by `:`. One that ends in `?` may find nothing.
    #[serde(default)]
    pub external: Option<OneOrMore>,
    /// The text. Several pointers are joined by line feeds; `*` in one stands for every item of an array. A body without it may
    /// have `html` instead, where that is mapped.
    #[serde(default)]
    pub text: Option<OneOrMore>,
    /// The text, as HTML: what a person would read of it is taken. Several pointers, and arrays, are joined by line feeds; `*`
    /// stands for every item of an array.
    #[serde(default)]
    pub html: Option<OneOrMore>,
    /// The text, in Slack's mrkdwn: mentions, links and `&lt;` are written as a person reads them. Several pointers, and arrays, are
    /// joined by line feeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mrkdwn: Option<OneOrMore>,
    /// The message's id; unique within its conversation. What tells repeats, before `event_id` and headers. Of an edit or a deletion:
    /// which message it is about.
    #[serde(default)]
    pub message_id: Option<OneOrMore>,
    /// The event's id; unique within the portal.
    #[serde(default)]
    pub event_id: Option<String>,
    /// Who wrote, for people.
    #[serde(default)]
    pub agent: Option<String>,
    /// Attachments: a value or an array, at one pointer or several, with `*` for every item of an array; kept as they are in the
    /// message's data, as the array `attachments`. Those that are too large or nested too deep are only counted there, in
    /// `attachments_left_out`.
    #[serde(default)]
    pub attachments: Option<OneOrMore>,
    /// Pointers that must find one of these values; otherwise the event is passed over.
    #[serde(default)]
    pub require: BTreeMap<String, Vec<serde_json::Value>>,
    /// Pointers that must not find one of these values: others will do, and nothing; otherwise the event is passed over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclude: BTreeMap<String, Vec<serde_json::Value>>,
    /// Pointers that must find nothing, null, false, or an empty text; otherwise the event is passed over.
    #[serde(default)]
    pub forbid: Vec<String>,
    /// Pointers that must find false, or nothing; otherwise the event is passed over.
    #[serde(default)]
    pub equals_false: Vec<String>,
    /// Pointers that must find something, and neither false nor an empty text; otherwise the event is passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub present: Vec<String>,
    /// A body that is to be answered at once and creates nothing.
    #[serde(default)]
    pub challenge: Option<Challenge>,
    /// How bodies are written.
    #[serde(default)]
    pub format: BodyFormat,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A message.
    #[default]
    Message,
    /// A message says something else now: all of it.
    Edit,
    /// A message was deleted.
    Deletion,
}

impl Meaning {
    /// Settings that do not say it are read by programs that do not know it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    pub(super) fn is_message(&self) -> bool {
        *self == Self::Message
    }

    /// Its word, in names of events.
    const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Edit => "edit",
            Self::Deletion => "deletion",
        }
    }
}

/// One pointer, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several, in order.
    More(Vec<String>),
}

/// How bodies are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Format)]
pub enum BodyFormat {
    /// JSON.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`: an object of texts.
    Form,
    /// A form, one field of which holds the JSON that is meant (as Slack's interactive payloads do).
    FormField(String),
    /// JSON, with the JSON that is meant in a text at this pointer (as Amazon's SNS has it in `/Message`).
    JsonAt(String),
}

impl Default for Mapping {
    /// The native contract: `{sessionId, message, messageId?, agent?}`.
    fn default() -> Self {
        let one = |pointer: &str| Some(OneOrMore::One(pointer.into()));
        Self {
            means: Meaning::Message,
            each: None,
            session: Some("/sessionId".into()),
            external: None,
            text: one("/message"),
            html: None,
            mrkdwn: None,
            message_id: one("/messageId"),
            event_id: None,
            agent: Some("/agent".into()),
            attachments: one("/attachments"),
            require: BTreeMap::new(),
            exclude: BTreeMap::new(),
            forbid: Vec::new(),
            equals_false: Vec::new(),
            present: Vec::new(),
            challenge: None,
            format: BodyFormat::Json,
        }
    }
}

/// Checks that this is a JSON Pointer.
///
/// # Errors
/// What is wrong with it.
pub fn check_pointer(field: &'static str, pointer: &str) -> Result<(), Invalid> {
    let wrong = |why: &str| Err(Invalid::new(field, format!("`{pointer}` is no JSON Pointer (RFC 6901): {why}")));
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return wrong("it begins with /");
    }
    if pointer.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
        return wrong("after ~ stands 0 or 1");
    }
    Ok(())
}

/// Checks a pointer into an event, which may begin with `#`.
pub(super) fn check_in_event(field: &'static str, pointer: &str) -> Result<(), Invalid> {
    check_pointer(field, pointer.strip_prefix('#').unwrap_or(pointer))
}

impl OneOrMore {
    /// The pointers, in order; whether each may find nothing.
    fn pointers(&self) -> impl Iterator<Item = (&str, bool)> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        };
        all.iter().map(|pointer| pointer.strip_suffix('?').map_or((pointer.as_str(), false), |bare| (bare, true)))
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        if self.pointers().next().is_none() {
            return Err(Invalid::new(field, "no pointer"));
        }
        self.pointers().try_for_each(|(pointer, _)| check_in_event(field, pointer))
    }
}

impl Mapping {
    /// Checks its pointers, and that a message can come of it.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        if let Some(pointer) = &self.each {
            check_pointer("each", pointer)?;
        }
        let one = [("session", &self.session), ("event_id", &self.event_id), ("agent", &self.agent)];
        for (field, pointer) in one {
            pointer.as_deref().map_or(Ok(()), |pointer| check_in_event(field, pointer))?;
        }
        let more = [
            ("external", &self.external),
            ("text", &self.text),
            ("html", &self.html),
            ("mrkdwn", &self.mrkdwn),
            ("attachments", &self.attachments),
            ("message_id", &self.message_id),
        ];
        for (field, pointers) in more {
            pointers.as_ref().map_or(Ok(()), |pointers| pointers.check(field))?;
        }
        self.forbid.iter().try_for_each(|pointer| check_in_event("forbid", pointer))?;
        self.equals_false.iter().try_for_each(|pointer| check_in_event("equals_false", pointer))?;
        self.present.iter().try_for_each(|pointer| check_in_event("present", pointer))?;
        check_values("require", &self.require)?;
        check_values("exclude", &self.exclude)?;
        if let Some(challenge) = &self.challenge {
            challenge.check()?;
        }
        if let BodyFormat::JsonAt(pointer) = &self.format {
            check_pointer("format", pointer)?;
        }
        if matches!(&self.format, BodyFormat::FormField(name) if name.is_empty()) {
            return Err(Invalid::new("format", "the name of the form's field is empty"));
        }
        if self.means != Meaning::Message && self.message_id.is_none() {
            return Err(Invalid::new("message_id", "missing; an edit or a deletion is about a message"));
        }
        let (names, says) = (self.names_a_conversation(), self.says_enough());
        match (names, says) {
            (true, true) => Ok(()),
            (false, false) if self.challenge.is_some() => Ok(()),
            (false, _) => Err(Invalid::new("session", "missing; there must be one, or external")),
            (true, false) => Err(Invalid::new("text", "missing; there must be one, or html, or mrkdwn")),
        }
    }

    const fn names_a_conversation(&self) -> bool {
        self.session.is_some() || self.external.is_some()
    }

    /// Whether a text can be found, where one is needed.
    const fn says_enough(&self) -> bool {
        matches!(self.means, Meaning::Deletion) || self.text.is_some() || self.html.is_some() || self.mrkdwn.is_some()
    }
}

pub(super) fn check_values(
    field: &'static str,
    values: &BTreeMap<String, Vec<serde_json::Value>>,
) -> Result<(), Invalid> {
    for (pointer, values) in values {
        check_in_event(field, pointer)?;
        if values.is_empty() {
            return Err(Invalid::new(field, format!("`{pointer}` has no value that would do")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod change_tests;

#[cfg(test)]
mod shape_tests;
