//! An event that is a message, or a change of one.

use super::{
    Mapping, Meaning, OneOrMore,
    find::{Item, items},
    read::Unmapped,
};
use crate::{
    limits::{DATA_BYTES, EXTERNAL_BYTES, JSON_DEPTH, TEXT_BYTES, USER_ID_BYTES},
    model::json::{Json, is_deeper},
    portal::{html, mrkdwn},
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A message from a portal, or a change of one, as its mapping reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Event {
    /// What it is; absent: a message.
    #[serde(skip_serializing_if = "Meaning::is_message")]
    pub means: Meaning,
    /// Our session id. This or `external` is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The portal's own id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// The text; of a deletion none.
    pub text: String,
    /// What was attached, as JSON text: `{"attachments":[…]}`, with `"attachments_left_out":n` where n could not be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The message's id, unique within its conversation. Of a change it is there: the message that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The event's id, unique within the portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// That is the id of the whole body, with which all its events come.
    #[serde(skip)]
    pub shares_id: bool,
    /// Who wrote, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Which event of the array it is, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Which mapping took it, from 0.
    pub mapping: usize,
}

impl Event {
    /// What tells repeats of it: the message's id within its conversation, else the event's id, else `header_id`, the webhook's
    /// own. `None`: nothing does, and two equal ones are two messages. At most twice [`EXTERNAL_BYTES`] long. Changes are not told
    /// by the message's id: that is the message's own.
    pub fn repeat_key(&self, header_id: Option<&str>) -> Option<String> {
        let header_id = header_id.filter(|id| !id.is_empty());
        if !self.means.is_message() {
            return self.change_key(header_id);
        }
        if let Some(id) = &self.message_id {
            let conversation = self.external.as_ref().or(self.session.as_ref())?;
            return Some(of_message(conversation, id));
        }
        Some(match (&self.event_id, self.place()) {
            (Some(id), Some(place)) if place > 0 => short('p', format!("p:{place}:{id}")),
            (Some(id), _) => short('e', format!("e:{id}")),
            (None, _) => short('h', format!("h:{}", header_id?)),
        })
    }

    /// What tells repeats of a change: the event's id or the webhook's, which other changes may come with; so also what becomes of
    /// which message and, where the id is one of a whole webhook, which of its events it is.
    fn change_key(&self, header_id: Option<&str>) -> Option<String> {
        let (of, id, place) = match (&self.event_id, header_id) {
            (Some(id), _) => ('e', id.as_str(), self.place()),
            (None, Some(id)) => ('h', id, self.index),
            (None, None) => return None,
        };
        let (target, place) = (self.targets().into_iter().next()?, place.unwrap_or_default());
        Some(short('c', format!("c:{}:{of}:{place}:{}:{id}:{target}", self.means.word(), id.len())))
    }

    /// Where it stands among those of the same id.
    fn place(&self) -> Option<usize> {
        self.index.filter(|_| self.shares_id)
    }

    /// The names that the message which it changes may be known by: what a webhook that brought it, or our own answer from the
    /// portal, has called its conversation.
    pub fn targets(&self) -> Vec<String> {
        let conversations = self.external.iter().chain(&self.session);
        let id = self.message_id.iter();
        id.flat_map(|id| conversations.clone().map(|conversation| of_message(conversation, id))).collect()
    }
}

/// The name of a message within its conversation.
fn of_message(conversation: &str, id: &str) -> String {
    // The length tells where the conversation's id ends.
    short('m', format!("m:{}:{conversation}:{id}", conversation.len()))
}

fn short(kind: char, key: String) -> String {
    if key.len() <= 2 * EXTERNAL_BYTES {
        return key;
    }
    let digest: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
    // A capital: no key that is short is the same.
    format!("{}:{digest}", kind.to_ascii_uppercase())
}

/// Whether an event of this [name](Event::repeat_key) is a message that changes may name.
pub fn names_message(name: &str) -> bool {
    name.starts_with(['m', 'M'])
}

/// The portal's id of a message in the [name](Event::repeat_key) of its event; `None`: the event was told by something else, or the
/// name is too long to hold it.
pub fn message_id_in(name: &str) -> Option<&str> {
    let (length, rest) = name.strip_prefix("m:")?.split_once(':')?;
    rest.get(length.parse::<usize>().ok()?..)?.strip_prefix(':')
}

impl Mapping {
    /// What the filters let through must be a message.
    pub(super) fn event(&self, item: &Item<'_>) -> Result<Event, Unmapped> {
        let one = |pointer: &Option<String>| match pointer {
            Some(pointer) => item.id(pointer).map(|id| id.map(|id| id.into_owned())),
            None => Ok(None),
        };
        let session = one(&self.session)?;
        let (external, lacking) = self.external.as_ref().map_or(Ok((None, None)), |all| joined(item, all))?;
        if session.is_none() && external.is_none() {
            let at = lacking.or_else(|| self.session.as_ref().map(|pointer| item.at(pointer)));
            return Err(Unmapped::Missing { at: at.unwrap_or_else(|| self.external_at(item)) });
        }
        let (message_id, unnamed) = self.message_id.as_ref().map_or(Ok((None, None)), |all| joined(item, all))?;
        if message_id.is_none() && self.means != Meaning::Message {
            return Err(Unmapped::Missing { at: unnamed.unwrap_or_else(|| named(item, self.message_id.as_ref())) });
        }
        let (text, data) = match self.means {
            Meaning::Deletion => (String::new(), None),
            Meaning::Message | Meaning::Edit => self.content(item)?,
        };
        let agent = match &self.agent {
            Some(pointer) => item.word(pointer)?.map(|agent| cut(&agent, USER_ID_BYTES).to_owned()),
            None => None,
        };
        Ok(Event {
            means: self.means,
            session,
            external,
            text,
            data,
            message_id,
            event_id: one(&self.event_id)?,
            shares_id: self.event_id.as_ref().is_some_and(|pointer| pointer.starts_with('#')),
            agent,
            index: item.index,
            mapping: 0,
        })
    }

    /// The text, and what is attached.
    fn content(&self, item: &Item<'_>) -> Result<(String, Option<String>), Unmapped> {
        let attached = self.attached(item)?;
        let text = self.text_of(item, attached.as_ref().is_some_and(|attached| attached.kept > 0));
        match (text, attached) {
            // It says nothing but what is attached, and nothing of that can be kept.
            (Err(_), Some(Attached { kept: 0, fault: Some(fault), .. })) => Err(fault),
            (text, attached) => Ok((text?, attached.map(|attached| attached.data))),
        }
    }

    fn external_at(&self, item: &Item<'_>) -> String {
        named(item, self.external.as_ref())
    }

    fn text_of(&self, item: &Item<'_>, attached: bool) -> Result<String, Unmapped> {
        let mut lacking = None;
        let read: [(_, Option<Reads>); 3] =
            [(&self.text, None), (&self.html, Some(html::text)), (&self.mrkdwn, Some(mrkdwn::text))];
        for (pointers, read) in read {
            let Some(pointers) = pointers else { continue };
            let at = || named(item, Some(pointers));
            match said(item, pointers, read)? {
                Ok(text) if text.contains('\0') => return Err(Unmapped::Zero { at: at() }),
                Ok(text) if text.len() > TEXT_BYTES => {
                    return Err(Unmapped::TooLong { at: at(), bytes: text.len(), limit: TEXT_BYTES });
                }
                Ok(text) if text.trim().is_empty() => lacking = lacking.or(Some(Unmapped::Empty { at: at() })),
                Ok(text) => return Ok(text),
                Err(missing) => lacking = lacking.or(Some(missing)),
            }
        }
        match lacking {
            Some(lacking) if !attached => Err(lacking),
            _ => Ok(String::new()),
        }
    }

    /// What is attached, each as it was written. What cannot be kept is counted, not kept: nobody's text is lost for it.
    fn attached(&self, item: &Item<'_>) -> Result<Option<Attached>, Unmapped> {
        let Some(pointers) = &self.attachments else { return Ok(None) };
        let mut all = Vec::new();
        for (pointer, _) in pointers.pointers() {
            for raw in item.all_texts(pointer) {
                let each = if raw.get().starts_with('[') { items(raw) } else { vec![raw] };
                all.extend(
                    each.into_iter().filter(|one| !matches!(one.get(), "null" | "\"\"")).map(|one| (pointer, one)),
                );
            }
        }
        if all.is_empty() {
            return Ok(None);
        }
        let mut attached = Attached::default();
        let mut list = String::new();
        let mut left_out = 0_usize;
        for (pointer, one) in all {
            let room = DATA_BYTES.saturating_sub(list.len() + 1 + AROUND_ATTACHMENTS);
            // It stands in an array in an object.
            let nested = is_deeper(one.get().as_bytes(), JSON_DEPTH - 2);
            match Json::parse("attachments", one, DATA_BYTES) {
                Ok(json) if json.as_str().len() <= room && !nested => {
                    let comma = if list.is_empty() { "" } else { "," };
                    list.extend([comma, json.as_str()]);
                    attached.kept += 1;
                }
                unkept => {
                    left_out += 1;
                    let problem = match unkept {
                        Err(why) => why.problem,
                        Ok(_) if nested => format!("nested deeper than {JSON_DEPTH} levels"),
                        Ok(json) => format!("{} bytes; the limit is {room}", json.as_str().len()),
                    };
                    attached.fault.get_or_insert(Unmapped::Attachments { at: item.at(pointer), problem });
                }
            }
        }
        let count = if left_out == 0 { String::new() } else { format!(r#","attachments_left_out":{left_out}"#) };
        attached.data = format!(r#"{{"attachments":[{list}]{count}}}"#);
        Ok(Some(attached))
    }
}

/// What makes plain text of something else.
type Reads = fn(&str) -> String;

/// What is attached to a message.
#[derive(Default)]
struct Attached {
    /// A message's data.
    data: String,
    /// How many attachments it holds.
    kept: usize,
    /// Why the first that it does not hold cannot be kept.
    fault: Option<Unmapped>,
}

/// Bytes of a message's data around its attachments, with the count of those left out.
const AROUND_ATTACHMENTS: usize = r#"{"attachments":[],"attachments_left_out":100000}"#.len();

/// The ids at these pointers, joined by `:`; otherwise, which of them that must find something does not.
fn joined(item: &Item<'_>, pointers: &OneOrMore) -> Result<(Option<String>, Option<String>), Unmapped> {
    let mut parts = Vec::new();
    for (pointer, optional) in pointers.pointers() {
        match item.id(pointer)? {
            Some(id) => parts.push(id),
            None if optional => {}
            None => return Ok((None, Some(item.at(pointer)))),
        }
    }
    let id = parts.join(":");
    if id.len() > EXTERNAL_BYTES {
        let at = named(item, Some(pointers));
        return Err(Unmapped::TooLong { at, bytes: id.len(), limit: EXTERNAL_BYTES });
    }
    Ok(((!id.is_empty()).then_some(id), None))
}

/// The text at these pointers, joined by line feeds. Inside: which pointer that must find something does not.
fn said(item: &Item<'_>, pointers: &OneOrMore, read: Option<Reads>) -> Result<Result<String, Unmapped>, Unmapped> {
    let mut parts: Vec<String> = Vec::new();
    let mut bytes = 0;
    let mut is_found = false;
    for (pointer, optional) in pointers.pointers() {
        let found = item.all(pointer);
        if found.is_empty() && !optional {
            return Ok(Err(Unmapped::Missing { at: item.at(pointer) }));
        }
        is_found |= !found.is_empty();
        let flat = found.into_iter().flat_map(|value| match value {
            Value::Array(items) if read.is_some() => items.iter().collect(),
            one => vec![one],
        });
        for value in flat {
            let part = match value {
                Value::String(text) => read.map_or_else(|| text.clone(), |read| read(text)),
                Value::Number(number) => number.to_string(),
                Value::Null => continue,
                _ => return Err(Unmapped::WrongType { at: item.at(pointer), wanted: "a text" }),
            };
            bytes += part.len();
            // What is too long is not made longer.
            if bytes > TEXT_BYTES {
                return Err(Unmapped::TooLong { at: item.at(pointer), bytes, limit: TEXT_BYTES });
            }
            if !part.is_empty() {
                parts.push(part);
            }
        }
    }
    if !is_found {
        return Ok(Err(Unmapped::Missing { at: named(item, Some(pointers)) }));
    }
    Ok(Ok(parts.join("\n")))
}

/// The pointers, for people.
fn named(item: &Item<'_>, pointers: Option<&OneOrMore>) -> String {
    let all: Vec<_> = pointers.into_iter().flat_map(OneOrMore::pointers).map(|(pointer, _)| pointer).collect();
    item.at(&all.join("`, `"))
}

fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
