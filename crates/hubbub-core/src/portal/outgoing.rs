//! Calls to a portal that has an API of its own: what is said of them in its settings, and what comes of that for one event.
//!
//! - [`template`]: texts with places that are filled in from the event: a small language of pointers.
//! - [`event`]: what the pointers see.
//! - [`check`](mod@check): what is looked at when settings are written.
//! - [`render`]: a call becomes a request.
//! - [`parts`]: long texts.
//! - [`search`]: which part of an answer is meant.
//! - [`answer`]: what an answer means, and what is picked from it.
//! - [`walk`]: the calls of one event, one after another.
//!
//! What a template can never do: the scheme, the host and the names of headers stand in the settings as they are; what is filled
//! in is written so that it stays where it stands. Pointers see the event and the settings' `vars`, and nothing else.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub mod answer;
pub mod check;
pub mod event;
pub mod parts;
pub mod render;
pub mod search;
pub mod template;
pub mod walk;

/// One call. Its templates are filled in from the event; see the guide to portals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// For people and for what is kept of its progress: `[A-Za-z0-9_-]{1,32}`, once among the calls.
    pub name: String,
    /// The types of events that it is made for, like `message.created`; all that are forwarded, where none is named.
    #[serde(rename = "for", default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// It is made only where this pointer finds something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// It is not made where this pointer finds something: what is made once needs it no second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// GET, POST, PUT, PATCH or DELETE; POST without.
    #[serde(default)]
    pub method: HttpMethod,
    /// What follows the portal's `url`, a template: what is filled in is percent-encoded. Without it the `url` itself is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The query: names, and templates of values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers: names, and templates of values. Those that authorise are `auth`'s.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON: any text in it is a template. At most one of `json`, `form` and `text` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// The body, as a form: names, and templates of values. A value that is no text is written as JSON, with templates in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, serde_json::Value>>,
    /// The body, as plain text, a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What an answer must be for the call to have succeeded; without it any 2xx.
    #[serde(default, skip_serializing_if = "Success::is_default")]
    pub success: Success,
    /// Pointer to an array in the answer: `found`, `pick` and `message_id` are looked up in the first of its items for which `where`
    /// holds. The empty pointer is the answer itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// Pointers into an item of `each`, and templates of the text or number that each must find.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matching: BTreeMap<String, String>,
    /// The call is a search: only where this pointer finds something in the answer is anything picked from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What is picked from the answer and kept with the session: names, and pointers. `external` is the portal's own id of the
    /// conversation; what has another name is found by templates at `/session/refs/NAME`. `header:NAME` is a header of the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pick: BTreeMap<String, String>,
    /// Pointer to the portal's id of our message in the answer, or `header:NAME`. It is kept, so that the portal's own webhook about the message
    /// is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Most characters of the message's text in this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_limit: Option<usize>,
    /// What becomes of a text that is longer.
    #[serde(default, skip_serializing_if = "LongText::is_default")]
    pub long_text: LongText,
}

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl HttpMethod {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What an answer must be for a call to have succeeded, and what others mean. Each pointer is looked up in the answer, JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Success {
    /// The statuses of success; any 2xx where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Pointers that must find one of these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub require: BTreeMap<String, Vec<serde_json::Value>>,
    /// Where any of these pointers finds one of its values, there is nothing left to do, whatever the status: what is to be deleted is
    /// gone already.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub done: BTreeMap<String, Vec<serde_json::Value>>,
    /// Where any of these pointers finds one of its values, the portal wants us to slow down, whatever the status.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub throttled: BTreeMap<String, Vec<serde_json::Value>>,
    /// The same, and it does not accept our credentials.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, Vec<serde_json::Value>>,
    /// The same, and it does not work just now: the message is tried again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub down: BTreeMap<String, Vec<serde_json::Value>>,
}

/// Pointers, and the values that each may find.
pub type Values = BTreeMap<String, Vec<serde_json::Value>>;

impl Success {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the answer's body has to be read.
    pub fn reads_body(&self) -> bool {
        let all = [&self.require, &self.done, &self.throttled, &self.credentials, &self.down];
        !all.into_iter().all(BTreeMap::is_empty)
    }
}

/// What becomes of a text that is longer than a call's `text_limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LongText {
    /// The message is refused, and says so.
    #[default]
    Refuse,
    /// The call is made several times, with a part of the text each.
    Split,
    /// The text is cut; `…` at its end says that it was.
    Cut,
}

impl LongText {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Call {
    /// Whether it is made for events of this type.
    pub fn is_for(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == kind)
    }

    /// Whether the answer's body is needed.
    pub fn reads_answer(&self) -> bool {
        self.success.reads_body() || self.found.is_some() || !self.pick.is_empty() || self.message_id.is_some()
    }
}

#[cfg(test)]
mod tests;
