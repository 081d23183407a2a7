//! What readers are delivered: bytes that are made once and shared by all of them.

use crate::{
    log::{
        effects::Effects,
        encoded,
        kinds::{Kind, Message},
    },
    model::{ids::UserId, seq::Seq, time::Timestamp},
};
use bytes::Bytes;
use serde::Deserialize;
use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// An entry on its way to its readers.
#[derive(Debug)]
pub struct Item {
    /// Its number.
    pub seq: Seq,
    /// What follows from it for whoever meets it.
    pub effects: Effects,
    /// What is delivered.
    pub push: SharedPush,
    /// Whose message it is, once somebody has asked.
    author: OnceLock<Option<Box<str>>>,
}

impl Item {
    /// An entry, framed for its readers.
    pub fn new(seq: Seq, effects: Effects, push: SharedPush) -> Arc<Self> {
        Arc::new(Self { seq, effects, push, author: OnceLock::new() })
    }

    /// What it weighs in a ring, in bytes. Where it has readers in Protobuf, too, it is about twice as much.
    pub const fn weight(&self) -> usize {
        self.push.json.len() + size_of::<Self>()
    }

    /// Whose message it is, if it is one. The entry is read for the first who asks.
    pub fn author(&self) -> Option<&str> {
        self.author.get_or_init(|| self.read_author().map(Into::into)).as_deref()
    }

    fn read_author(&self) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Said<'a> {
            #[serde(rename = "type", borrow)]
            word: Cow<'a, str>,
            #[serde(borrow)]
            from: Cow<'a, str>,
        }
        let said: Said<'_> = serde_json::from_slice(&self.push.json()[self.push.range()]).ok()?;
        Message::WORDS.contains(&&*said.word).then_some(said.from)
    }

    /// Whether it is a message of this user.
    pub fn is_message_of(&self, user: &UserId) -> bool {
        self.author().is_some_and(|author| author == user.as_str())
    }

    /// When the store took it. `None` where it cannot be read.
    pub fn at(&self) -> Option<Timestamp> {
        #[derive(Deserialize)]
        struct Taken<'a> {
            #[serde(borrow)]
            at: Cow<'a, str>,
        }
        let taken: Option<Taken<'_>> = serde_json::from_slice(&self.push.json()[self.push.range()]).ok();
        taken.and_then(|taken| Timestamp::parse(&taken.at))
    }

    /// The same with its content blanked: the number stays.
    pub fn blanked(&self) -> Arc<Self> {
        Self::new(self.seq, self.effects.clone(), self.push.blanked())
    }
}

/// A push in JSON, and where in it the data lies; in another format once somebody has asked for it.
#[derive(Debug)]
pub struct SharedPush {
    json: Bytes,
    data: Range<u32>,
    other: OnceLock<Bytes>,
}

impl SharedPush {
    /// `data` lies in `json`.
    pub const fn new(json: Bytes, data: Range<u32>) -> Self {
        Self { json, data, other: OnceLock::new() }
    }

    /// The push in JSON.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// Where the data begins and ends in it.
    pub fn range(&self) -> Range<usize> {
        self.data.start as usize..self.data.end as usize
    }

    /// The data alone.
    pub fn data(&self) -> Bytes {
        self.json.slice(self.range())
    }

    /// The push in the other format, made once.
    pub fn other(&self, make: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.other.get_or_init(|| make(self))
    }

    fn blanked(&self) -> Self {
        let range = self.range();
        let text = |bytes| str::from_utf8(bytes).unwrap_or_default();
        let data = encoded::blanked(text(&self.json[range.clone()])).unwrap_or_else(|| "null".to_owned());
        let json = [text(&self.json[..range.start]), &data, text(&self.json[range.end..])].concat();
        let end = self.data.start + data.len() as u32;
        Self::new(json.into(), self.data.start..end)
    }
}
