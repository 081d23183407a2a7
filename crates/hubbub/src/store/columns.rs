//! From columns to values and back; the same in every store.

use super::StoreError;
use crate::log::Summary;
use hubbub_core::{
    limits::{PAGE_MAX, SEQ_MAX},
    log::{
        body::Columns,
        entry::Entry,
        hash::BodyHash,
        kinds::{Content, SessionState},
        settings::Settings,
    },
    model::{
        access::RoomKind,
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
    people::preferences::{Notify, Preferences},
};
use serde::{Serialize, de::DeserializeOwned};

/// How much of a page's bytes an entry takes beside its text, data and names.
pub(crate) const ENTRY_BYTES: usize = 192;

/// What an entry with these long columns weighs in a page.
pub(crate) fn weight(columns: [Option<&str>; 3]) -> usize {
    ENTRY_BYTES + columns.into_iter().flatten().map(str::len).sum::<usize>()
}

/// What an entry weighs in a page.
pub(crate) fn weight_of(entry: &Entry) -> usize {
    ENTRY_BYTES + Columns::of(&entry.what).weight()
}

/// Rooms whose rows cannot be read.
static UNREADABLE: Summary =
    Summary::new("the row of a room cannot be read; it is answered as if there were no such room");

/// A room whose row cannot be read is nobody's answer but its own.
pub(crate) fn unreadable(room: &str, error: &StoreError) {
    UNREADABLE.note_of(room, || error);
}

fn damaged(invalid: Invalid) -> StoreError {
    StoreError::Broken(invalid.to_string())
}

pub(crate) fn room(id: &str) -> Result<RoomId, StoreError> {
    RoomId::parse(id).map_err(damaged)
}

pub(crate) fn user(id: &str) -> Result<UserId, StoreError> {
    UserId::parse(id).map_err(damaged)
}

pub(crate) fn kind(word: &str) -> Result<RoomKind, StoreError> {
    RoomKind::read(word).map_err(damaged)
}

/// Reads JSON that this program wrote; what it is of, for people.
pub(crate) fn json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Broken(format!("{what}: {error}")))
}

/// JSON of what this program keeps as such.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// Where a room stands as a session; `None`: it is none.
pub(crate) fn session(word: Option<&str>) -> Result<Option<SessionState>, StoreError> {
    word.map(SessionState::parse).transpose().map_err(damaged)
}

/// What is set of a room.
pub(crate) fn settings(stored: Option<&str>) -> Result<Settings, StoreError> {
    Settings::read(stored).map_err(|error| StoreError::Broken(format!("settings of a room: {error}")))
}

/// What a message says, by its columns.
pub(crate) fn content(text: Option<&str>, data: Option<&str>, body: Option<&str>) -> Result<Content, StoreError> {
    let columns = Columns {
        text: text.map(Into::into),
        data: data.map(Into::into),
        body: body.map(Into::into),
        ..Columns::default()
    };
    Content::read("message", &columns).map_err(|damaged| StoreError::Broken(damaged.to_string()))
}

pub(crate) fn hash(bytes: Option<Vec<u8>>) -> Result<Option<BodyHash>, StoreError> {
    let wrong = |_| StoreError::Broken("a body hash that is not 16 bytes long".into());
    bytes.map(|bytes| bytes.try_into().map(BodyHash).map_err(wrong)).transpose()
}

/// A seq as databases count.
pub(crate) const fn number(seq: Seq) -> i64 {
    seq.get().cast_signed()
}

/// How many rows to ask for.
pub(crate) fn count(limit: usize) -> i64 {
    (limit.min(PAGE_MAX) as u64).cast_signed()
}

/// A database's number as a seq.
pub(crate) fn seq(number: i64) -> Seq {
    Seq::new(u64::try_from(number).unwrap_or_default().min(SEQ_MAX))
}

/// How a room is shown to somebody. A word of a newer version is all that there is to tell them.
pub(crate) fn preferences(notify: &str, pinned: bool, hidden: bool, unread_from: Option<Seq>) -> Preferences {
    Preferences { notify: Notify::parse(notify).unwrap_or_default(), pinned, hidden, unread_from }
}

/// A database's number as half of an epoch.
pub(crate) fn epoch_part(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Broken(format!("an epoch of {number}")))
}

/// Another incarnation than `old`: random, so that two restores of one dump do not meet, and never 0.
pub(crate) fn another_incarnation(old: Option<u32>) -> u32 {
    loop {
        let new = rand::random::<u32>();
        if new != 0 && Some(new) != old {
            return new;
        }
    }
}
