//! How an entry lies in a row; the same columns in every store.

use super::{
    StoreError,
    columns::{self, seq},
};
use hubbub_core::{
    log::{
        body::Columns,
        effects::Effects,
        entry::Entry,
        kinds::{Gone, What},
    },
    model::{
        ids::{Key, RoomId},
        time::Timestamp,
    },
};
use uuid::Uuid;

/// What a statement selects of an entry `e`, in the order of [`EntryRow`]. Statements have `/* entry */` in its place.
pub(crate) const SELECTED: &str = "e.seq AS e_seq, e.id AS e_id, e.author AS e_author, e.at AS e_at, e.key AS e_key, \
    e.kind AS e_kind, e.text AS e_text, e.data AS e_data, e.target AS e_target, e.subject AS e_subject, e.role AS e_role, \
    e.body AS e_body, e.effects AS e_effects, e.gone AS e_gone, e.rank AS e_rank, \
    e.thread AS e_thread, e.in_room AS e_in_room";

/// The first of them: the others follow it.
pub(crate) const FIRST: &str = "e_seq";

/// A row of an entry as it was read.
pub(crate) struct EntryRow<'a> {
    pub seq: i64,
    pub id: Uuid,
    pub author: &'a str,
    pub at: i64,
    pub key: &'a str,
    pub kind: &'a str,
    pub text: Option<&'a str>,
    pub data: Option<&'a str>,
    pub target: Option<i64>,
    pub subject: Option<&'a str>,
    pub role: Option<&'a str>,
    pub body: Option<&'a str>,
    pub effects: Option<&'a str>,
    pub gone: bool,
    pub rank: Option<&'a str>,
    pub thread: Option<i64>,
    pub in_room: bool,
}

impl EntryRow<'_> {
    /// The entry. A kind of a newer version is no error: it is carried as it lies.
    pub fn entry(self, room: &RoomId) -> Result<Entry, StoreError> {
        Ok(Entry {
            room: room.clone(),
            seq: seq(self.seq),
            id: self.id,
            from: columns::user(self.author)?,
            at: Timestamp(self.at),
            key: Key::parse(self.key).map_err(|error| StoreError::Broken(error.to_string()))?,
            what: self.what()?,
        })
    }

    fn what(&self) -> Result<What, StoreError> {
        let broken = |what: &str| StoreError::Broken(format!("entry {} `{}`: {what}", self.id, self.kind));
        let effects = match self.effects {
            Some(json) => Effects::parse(json).ok_or_else(|| broken("effects that cannot be read"))?,
            None => Effects::default(),
        };
        if self.gone {
            return Ok(What::Gone(Gone {
                word: self.kind.into(),
                effects,
                target: self.target.map(seq),
                thread: self.thread.map(seq),
                in_room: self.in_room,
            }));
        }
        let text = |text: Option<&str>| text.map(|text| text.to_owned().into());
        let columns = Columns {
            text: text(self.text),
            data: text(self.data),
            target: self.target.map(seq),
            subject: text(self.subject),
            role: text(self.role),
            rank: text(self.rank),
            thread: self.thread.map(seq),
            in_room: self.in_room,
            body: text(self.body),
        };
        What::read(self.kind, columns, effects).map_err(|damaged| broken(&damaged.to_string()))
    }
}
