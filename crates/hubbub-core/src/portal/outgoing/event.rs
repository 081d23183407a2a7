//! What the pointers of templates see of an event.

use crate::{
    delivery::progress::Picked,
    log::{content::Content, encoded, entry::Entry, kinds::What},
    model::{
        ids::UserId,
        json::{Json, to_json},
    },
    portal::{
        PortalId,
        author::{Author, AuthorKind},
        mapping::raw_at,
        webhook::About,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What there is under the first step of a pointer, and under the second; `*`: whatever there is.
pub(super) const SEEN: [(&str, &[&str]); 8] = [
    ("event", &["id", "type", "timestamp"]),
    ("session", &["id", "external", "name", "state", "refs"]),
    ("customer", &["id", "name", "info"]),
    ("from", &["id", "kind", "name", "info", "label"]),
    ("message", &["id", "seq", "text", "data", "reply_to", "external", "part", "parts"]),
    ("entry", &["*"]),
    ("vars", &["*"]),
    ("portal", &["id"]),
];

/// A part of a message's text, of several where it is too long for the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPart<'a> {
    /// The text.
    pub text: &'a str,
    /// Which it is, from 1.
    pub part: usize,
    /// Of how many.
    pub parts: usize,
}

/// An event on its way to a portal.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The id of its webhook: the same for every attempt.
    pub id: &'a str,
    /// Its type, like `message.created`.
    pub kind: &'a str,
    /// The entry.
    pub entry: &'a Entry,
    /// The message that it changes.
    pub about: Option<&'a About>,
    /// The session's name, for people.
    pub session_name: &'a str,
    /// Where the session stands: open, waiting or closed.
    pub state: &'a str,
    /// The customer.
    pub customer: &'a UserId,
    /// What the product has said about the customer.
    pub customer_info: Option<&'a Json>,
    /// What the product has said about who wrote.
    pub from_info: Option<&'a Json>,
    /// The portal.
    pub portal: &'a PortalId,
    /// The operator's own constants.
    pub vars: &'a BTreeMap<String, String>,
}

/// An event as pointers see it: JSON.
#[derive(Debug)]
pub struct Document(Box<RawValue>);

#[derive(Serialize)]
struct Shown<'a> {
    event: ShownEvent<'a>,
    session: ShownSession<'a>,
    customer: Person<'a>,
    from: Person<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<ShownMessage<'a>>,
    entry: Box<RawValue>,
    vars: &'a BTreeMap<String, String>,
    portal: ShownPortal<'a>,
}

#[derive(Serialize)]
struct ShownEvent<'a> {
    id: &'a str,
    r#type: &'a str,
    timestamp: String,
}

#[derive(Serialize)]
struct ShownSession<'a> {
    id: &'a str,
    external: Option<&'a str>,
    name: &'a str,
    state: &'a str,
    refs: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Person<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    name: String,
    info: Option<Box<RawValue>>,
    /// What stands before the words of somebody who is not the customer, where a portal takes all for the customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

#[derive(Serialize)]
struct ShownMessage<'a> {
    id: String,
    seq: u64,
    text: Option<&'a str>,
    data: Option<Box<RawValue>>,
    reply_to: Option<u64>,
    /// The portal's own id of it.
    external: Option<&'a str>,
    part: usize,
    parts: usize,
}

#[derive(Serialize)]
struct ShownPortal<'a> {
    id: &'a str,
}

impl<'a> Person<'a> {
    /// A person's name is what the product has said it is, or else their id.
    fn new(user: &'a UserId, info: Option<&Json>, kind: Option<&'static str>) -> Self {
        let info = info.map(Json::to_raw);
        let said = info.as_deref().and_then(|info| raw_at(info, "/name"));
        let name = said.and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| user.as_str().to_owned());
        let label = kind.filter(|kind| *kind != AuthorKind::Customer.word()).map(|_| format!("{name}: "));
        Self { id: user.as_str(), kind, name, info, label }
    }
}

impl Event<'_> {
    /// The text of its message; empty where it is none.
    pub fn text(&self) -> &str {
        Content::of(&self.entry.what).map_or("", |content| content.text.as_str())
    }

    /// The portal's own ids of the message that is deleted, where it has several of it: a call that names one is made for each.
    pub fn pieces(&self) -> &[String] {
        match (&self.entry.what, self.about) {
            (What::Deleted(_), Some(about)) if about.externals.len() > 1 => &about.externals,
            _ => &[],
        }
    }

    /// What pointers see, with what has been picked so far, and with this part of the text where there are several.
    pub fn document(&self, picked: &Picked, part: Option<TextPart<'_>>) -> Document {
        let entry = self.entry;
        let is_about_message = matches!(entry.what, What::Message(_) | What::Edited(_) | What::Deleted(_));
        let message = is_about_message.then(|| {
            let content = Content::of(&entry.what);
            let TextPart { text, part, parts } = part.unwrap_or(TextPart { text: self.text(), part: 1, parts: 1 });
            let reply_to = match &entry.what {
                What::Message(message) => message.reply_to,
                _ => None,
            };
            let piece = self.pieces().get(part - 1).map(String::as_str);
            ShownMessage {
                id: self.about.map_or(entry.id, |about| about.id).to_string(),
                seq: self.about.map_or(entry.seq, |about| about.seq).get(),
                text: content.map(|_| text),
                data: content.and_then(|content| content.data.as_ref()).map(Json::to_raw),
                reply_to: reply_to.map(|seq| seq.get()),
                external: piece.or_else(|| self.about.and_then(About::external)),
                part,
                parts,
            }
        });
        let kind = Author::of(entry, self.customer).kind.word();
        let shown = Shown {
            event: ShownEvent { id: self.id, r#type: self.kind, timestamp: entry.at.to_string() },
            session: ShownSession {
                id: entry.room.as_str(),
                external: picked.external.as_deref(),
                name: self.session_name,
                state: self.state,
                refs: &picked.refs,
            },
            customer: Person::new(self.customer, self.customer_info, None),
            from: Person::new(&entry.from, self.from_info, Some(kind)),
            message,
            entry: encoded::raw(entry),
            vars: self.vars,
            portal: ShownPortal { id: self.portal.as_str() },
        };
        Document::new(to_json(&shown))
    }
}

impl Document {
    pub(super) fn new(json: String) -> Self {
        Self(RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// What is at a pointer, as it was written; null is nothing.
    pub fn at(&self, pointer: &str) -> Option<&str> {
        raw_at(&self.0, pointer).map(RawValue::get).filter(|json| *json != "null")
    }

    /// Whether something is at a pointer: null, and what is empty, is nothing.
    pub fn finds(&self, pointer: &str) -> bool {
        let found = self.at(pointer).map(|json| json.chars().filter(|c| !c.is_ascii_whitespace()).take(3).collect());
        found.is_some_and(|json: String| !matches!(json.as_str(), r#""""# | "[]" | "{}"))
    }
}
