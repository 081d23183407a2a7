//! From a body to its events.

use super::{Event, Mapping, body::Body, find::Item};
use crate::limits::{HOOK_DEPTH, HOOK_EVENTS};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a body has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapped {
    /// The messages, in order.
    pub events: Vec<Event>,
    /// How many others the filters passed over.
    pub passed_over: usize,
    /// Which filter of which mapping passed something over, where that was asked for.
    pub refusals: Vec<Refusal>,
}

/// A mapping that does not take an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// Which event of the array, from 0; absent: the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<usize>,
    /// Which mapping, from 0.
    pub mapping: usize,
    /// Which of its filters refuses it, and what that found.
    pub why: String,
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

/// What a body means by these mappings: each event is taken by the first whose filters match. Where the array is, is said by the
/// first that takes any.
///
/// # Errors
/// Why nothing can be made of it, with the pointer: all of it, no part of it is taken.
pub(in crate::portal) fn read(
    mappings: &[Mapping],
    content_type: Option<&str>,
    bytes: &[u8],
    explain: bool,
) -> Result<Mapped, Unmapped> {
    let mut bodies: Vec<(usize, Result<Body, Unmapped>)> = Vec::new();
    for (n, mapping) in mappings.iter().enumerate() {
        if bodies.iter().all(|(of, _)| mappings[*of].format != mapping.format) {
            bodies.push((n, Body::read(&mapping.format, content_type, bytes)));
        }
    }
    let mut taken: BTreeMap<Option<usize>, (usize, Item<'_>)> = BTreeMap::new();
    // What the first mapping is about that takes something, and how many events are there.
    let mut place = None;
    let mut count = None;
    let (mut refusals, mut unread, mut unmapped) = (Vec::new(), None, None);
    for (n, mapping) in mappings.iter().enumerate() {
        let here = (&mapping.each, &mapping.format);
        if place.is_some_and(|place| place != here) {
            continue;
        }
        let body = bodies.iter().find(|(of, _)| mappings[*of].format == mapping.format);
        let body = match body.map(|(_, body)| body) {
            Some(Ok(body)) => body,
            Some(Err(why)) => {
                unread = unread.or_else(|| Some(why.clone()));
                continue;
            }
            None => continue,
        };
        let mut refuse = |event, why: String| refusals.push(Refusal { event, mapping: n, why });
        let items = match mapping.items(body) {
            Ok(items) => items,
            Err(Off::Refused(why)) => {
                count.get_or_insert(1);
                if explain {
                    refuse(None, why);
                }
                continue;
            }
            Err(Off::Unmapped(why)) => {
                unmapped = unmapped.or(Some(why));
                continue;
            }
        };
        let all = items.len();
        for item in items {
            if taken.contains_key(&item.index) {
                continue;
            }
            match mapping.refusal(&item, |_| true) {
                None => {
                    taken.insert(item.index, (n, item));
                    count = count.filter(|_| place.is_some()).or(Some(all));
                    place = Some(here);
                }
                Some(refusal) if explain => refuse(item.index, refusal.words(&item)),
                Some(_) => {}
            }
        }
        count.get_or_insert(all);
    }
    match (taken.is_empty(), unmapped, count, unread) {
        (true, Some(why), _, _) | (true, None, None, Some(why)) => return Err(why),
        _ => {}
    }
    if taken.len() > HOOK_EVENTS {
        return Err(Unmapped::TooMany(taken.len()));
    }
    let passed_over = count.unwrap_or_default().saturating_sub(taken.len());
    let events = taken.into_values().map(|(n, item)| Ok(Event { mapping: n, ..mappings[n].event(&item)? }));
    Ok(Mapped { events: events.collect::<Result<_, _>>()?, passed_over, refusals })
}

/// Why a mapping has nothing to do with a body.
enum Off {
    /// It is none of its.
    Refused(String),
    /// It is one of its, and cannot be read.
    Unmapped(Unmapped),
}

/// A filter that does not match.
enum Filter<'a> {
    Require(&'a str),
    Exclude(&'a str),
    Forbid(&'a str),
    EqualsFalse(&'a str),
    Present(&'a str),
}

impl Filter<'_> {
    fn words(&self, item: &Item<'_>) -> String {
        let (word, pointer) = match self {
            Self::Require(pointer) => ("require", pointer),
            Self::Exclude(pointer) => ("exclude", pointer),
            Self::Forbid(pointer) => ("forbid", pointer),
            Self::EqualsFalse(pointer) => ("equals_false", pointer),
            Self::Present(pointer) => ("present", pointer),
        };
        let found = item.anything(pointer).map_or_else(
            || "nothing".into(),
            |value| {
                let mut written = value.to_string();
                if let Some((end, _)) = written.char_indices().nth(100) {
                    written.truncate(end);
                    written.push('…');
                }
                written
            },
        );
        format!("`{word}`: {} finds {found}", item.at(pointer))
    }
}

impl Mapping {
    /// The events that a body may have.
    fn items<'a>(&self, body: &'a Body) -> Result<Vec<Item<'a>>, Off> {
        let whole = body.whole();
        if !self.names_a_conversation() || !self.says_enough() {
            return Err(Off::Refused("it has a challenge only".into()));
        }
        let Some(each) = &self.each else { return Ok(vec![whole]) };
        // A body that is not meant may not even have such an array.
        let is_of_body = |pointer: &str| pointer.starts_with('#');
        if let Some(filter) = self.refusal(&whole, is_of_body) {
            return Err(Off::Refused(filter.words(&whole)));
        }
        let problem = match body.items(each) {
            Ok(Some(items)) => return Ok(items),
            Ok(None) => Unmapped::Missing { at: format!("`{each}`") },
            Err(problem) => problem,
        };
        // Filters come first: without events there is none that has what is required of one.
        let only_of_events = !self.require.is_empty() && !self.require.keys().any(|pointer| is_of_body(pointer));
        Err(if only_of_events { Off::Refused(problem.to_string()) } else { Off::Unmapped(problem) })
    }

    /// The first filter on a pointer that is `asked` which does not let it through.
    fn refusal(&self, item: &Item<'_>, asked: fn(&str) -> bool) -> Option<Filter<'_>> {
        let nothing = |pointer: &str| match item.value(pointer) {
            None => true,
            Some(value) => *value == Value::Bool(false) || value.as_str() == Some(""),
        };
        let not_true = |pointer: &str| item.value(pointer).is_none_or(|value| *value == Value::Bool(false));
        let required = self.require.iter().filter(|(pointer, _)| asked(pointer));
        let mut required = required.filter(|(pointer, values)| !finds(item, pointer, values));
        let excluded = || {
            let mut asked = self.exclude.iter().filter(|(pointer, _)| asked(pointer));
            asked.find(|(pointer, values)| finds(item, pointer, values)).map(|(pointer, _)| pointer.as_str())
        };
        let forbidden = || self.forbid.iter().map(String::as_str).find(|pointer| asked(pointer) && !nothing(pointer));
        let unequal =
            || self.equals_false.iter().map(String::as_str).find(|pointer| asked(pointer) && !not_true(pointer));
        let absent = || self.present.iter().map(String::as_str).find(|pointer| asked(pointer) && nothing(pointer));
        required
            .next()
            .map(|(pointer, _)| Filter::Require(pointer))
            .or_else(|| excluded().map(Filter::Exclude))
            .or_else(|| forbidden().map(Filter::Forbid))
            .or_else(|| unequal().map(Filter::EqualsFalse))
            .or_else(|| absent().map(Filter::Present))
    }
}

/// Whether a pointer finds one of these values. Null is a value like others here, where settings name it.
pub(in crate::portal) fn finds(item: &Item<'_>, pointer: &str, values: &[Value]) -> bool {
    item.anything(pointer).is_some_and(|found| values.contains(found))
}
