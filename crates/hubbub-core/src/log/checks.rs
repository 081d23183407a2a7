//! What several methods check in what they are given, each rule in one place.

use super::{
    kinds::{Content, Message, Text},
    room::PageOf,
};
use crate::{
    limits,
    model::{
        ids::{Invalid, UserId},
        json::Json,
        seq::Seq,
    },
};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The size of a page: 1 to [`limits::PAGE_MAX`], [`limits::PAGE_DEFAULT`] where none is asked for.
///
/// # Errors
/// Names the field and the limit.
pub fn page_limit(limit: Option<u64>) -> Result<usize, Invalid> {
    match limit {
        None => Ok(limits::PAGE_DEFAULT),
        Some(n) if n >= 1 && n <= limits::PAGE_MAX as u64 => Ok(n as usize),
        Some(n) => Err(Invalid::new("limit", format!("{n}; it is 1 to {}", limits::PAGE_MAX))),
    }
}

/// Which page of a log is asked for: at most one of these is given, each a seq.
///
/// # Errors
/// Where more than one is given.
pub fn page_of(before: Option<u64>, after: Option<u64>, around: Option<u64>) -> Result<PageOf, Invalid> {
    match (before, after, around) {
        (None, None, None) => Ok(PageOf::Newest),
        (Some(seq), None, None) => Ok(PageOf::Before(Seq::new(seq))),
        (None, Some(seq), None) => Ok(PageOf::After(Seq::new(seq))),
        (None, None, Some(seq)) => Ok(PageOf::Around(Seq::new(seq))),
        _ => Err(Invalid::new("before", "give only one of before, after, around")),
    }
}

/// What a client says of a message, unchecked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// A text,
    pub text: Option<&'a str>,
    /// or data, or both.
    pub data: Option<&'a RawValue>,
    /// Who is mentioned.
    pub mentions: &'a [Cow<'a, str>],
    /// Whether everybody is.
    pub mention_all: bool,
}

/// What a message says, from its parts: a text, or data, or both.
///
/// # Errors
/// Names the field, and the limit it is over.
pub fn content(said: Said<'_>) -> Result<Content, Invalid> {
    let data = said.data.filter(|raw| raw.get() != "null");
    match (said.text, data) {
        (None, None) => return Err(Invalid::missing("text")),
        (Some(""), None) => return Err(Invalid::new("text", "empty, and there is no data")),
        _ => {}
    }
    if said.mentions.len() > limits::MENTIONS {
        let problem = format!("{} named; the limit is {}", said.mentions.len(), limits::MENTIONS);
        return Err(Invalid::new("mentions", problem));
    }
    let mut mentions: Vec<UserId> = Vec::with_capacity(said.mentions.len());
    for name in said.mentions {
        mentions.push(UserId::parse_as("mentions", name)?);
    }
    // Whoever is mentioned is so in no order, and once: said in another one it is the same message.
    mentions.sort_unstable();
    mentions.dedup();
    Ok(Content {
        text: Text::parse(said.text.unwrap_or_default())?,
        data: data.map(|raw| Json::parse("data", raw, limits::DATA_BYTES)).transpose()?,
        mentions: mentions.into(),
        mention_all: said.mention_all,
    })
}

/// A message that mentions nobody and is in no thread, from its parts: a text, or data, or both.
///
/// # Errors
/// As [`content`].
pub fn message(text: Option<&str>, data: Option<&RawValue>, reply_to: Option<u64>) -> Result<Message, Invalid> {
    let content = content(Said { text, data, ..Said::default() })?;
    Ok(Message::new(content.text, content.data, reply_to.map(Seq::new)))
}

/// Where a message is: in the thread of this root, if any, and whether it is shown in the room, too.
///
/// # Errors
/// Where it is in no thread, and would be shown there, too.
pub fn in_thread(thread: Option<u64>, in_room: bool) -> Result<(Option<Seq>, bool), Invalid> {
    if in_room && thread.is_none() {
        return Err(Invalid::new("in_room", "only a message in a thread has it; thread is missing"));
    }
    Ok((thread.map(Seq::new), in_room))
}

/// A room's name for people: at most [`limits::ROOM_NAME_BYTES`], without control characters.
///
/// # Errors
/// Says which of the two it is not.
pub fn room_name(name: &str) -> Result<String, Invalid> {
    if name.len() > limits::ROOM_NAME_BYTES {
        return Err(Invalid::too_long("name", name.len(), limits::ROOM_NAME_BYTES));
    }
    if name.chars().any(char::is_control) {
        return Err(Invalid::new("name", "control characters are not allowed"));
    }
    Ok(name.to_owned())
}

/// What a room is about, for people: at most [`limits::ROOM_TOPIC_BYTES`], without U+0000.
///
/// # Errors
/// Says which of the two it is not.
pub fn room_topic(topic: &str) -> Result<&str, Invalid> {
    if topic.len() > limits::ROOM_TOPIC_BYTES {
        return Err(Invalid::too_long("topic", topic.len(), limits::ROOM_TOPIC_BYTES));
    }
    if topic.contains('\0') {
        return Err(Invalid::new("topic", "the character U+0000 is not allowed"));
    }
    Ok(topic)
}

/// What the product keeps with a room; `null`: nothing.
///
/// # Errors
/// When it is longer than [`limits::ROOM_DATA_BYTES`], or deeper than JSON may be.
pub fn room_data(data: &RawValue) -> Result<Option<Json>, Invalid> {
    match data.get() {
        "null" => Ok(None),
        _ => Json::parse("data", data, limits::ROOM_DATA_BYTES).map(Some),
    }
}

/// How many people a direct room is of: at most [`limits::DIRECT_PEOPLE`].
///
/// # Errors
/// Names the limit.
pub fn direct_people(named: usize) -> Result<(), Invalid> {
    if named > limits::DIRECT_PEOPLE {
        return Err(Invalid::new(
            "with",
            format!("{named} people; the limit of a direct room is {}", limits::DIRECT_PEOPLE),
        ));
    }
    Ok(())
}

/// How many `members` are named in one request: at most [`limits::MEMBERS_AT_ONCE`].
///
/// # Errors
/// Names the limit.
pub fn members_at_once(named: usize) -> Result<(), Invalid> {
    if named > limits::MEMBERS_AT_ONCE {
        return Err(Invalid::new("members", format!("{named} named; the limit is {}", limits::MEMBERS_AT_ONCE)));
    }
    Ok(())
}
