//! How an entry lies in a row; the same columns in every store.

use super::StoreError;
use hubbub_core::{
    limits::{PAGE_MAX, SEQ_MAX},
    log::entry::{BodyHash, Entry, Message, Text, What},
    model::{
        access::{Role, RoomKind},
        ids::{Invalid, RoomId, UserId},
        json::Json,
        seq::Seq,
    },
    portal::{PortalId, session::SessionState},
};
use serde::{Serialize, de::DeserializeOwned};

/// What a [`What`] is in columns.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    pub kind: &'static str,
    pub text: Option<&'a str>,
    pub data: Option<&'a str>,
    pub target: Option<i64>,
    pub subject: Option<&'a str>,
    pub role: Option<&'static str>,
}

impl<'a> Columns<'a> {
    pub fn of(what: &'a What) -> Self {
        let columns = Self { kind: what.word(), ..Self::default() };
        match what {
            What::Message(message) => Self {
                text: Some(message.text.as_str()),
                data: message.data.as_ref().map(Json::as_str),
                target: message.reply_to.map(number),
                ..columns
            },
            What::Joined { user, role } => Self { subject: Some(user.as_str()), role: Some(role.word()), ..columns },
            What::Left { user } | What::Banned { user } => Self { subject: Some(user.as_str()), ..columns },
            What::Renamed { name } => Self { subject: Some(name), ..columns },
            What::State(_) => columns,
        }
    }
}

/// The columns of a row that was read.
pub(crate) struct Stored {
    pub kind: String,
    pub text: Option<String>,
    pub data: Option<String>,
    pub target: Option<i64>,
    pub subject: Option<String>,
    pub role: Option<String>,
}

impl Stored {
    pub fn what(self) -> Result<What, StoreError> {
        let subject = self.subject.ok_or_else(|| StoreError::Broken(format!("an entry `{}` about nobody", self.kind)));
        Ok(match self.kind.as_str() {
            "message" => What::Message(Message {
                text: Text::trusted(self.text.unwrap_or_default()),
                data: self.data.map(Json::trusted),
                reply_to: self.target.map(seq),
            }),
            "joined" => What::Joined {
                user: user(&subject?)?,
                role: Role::parse(self.role.as_deref().unwrap_or_default()).map_err(damaged)?,
            },
            "left" => What::Left { user: user(&subject?)? },
            "banned" => What::Banned { user: user(&subject?)? },
            "renamed" => What::Renamed { name: subject? },
            "opened" => What::State(SessionState::Open),
            "waiting" => What::State(SessionState::Waiting),
            "closed" => What::State(SessionState::Closed),
            kind => return Err(StoreError::Broken(format!("an entry of unknown kind `{kind}`: a newer version's?"))),
        })
    }
}

/// How much of a page's bytes an entry takes beside its text, data and names.
pub(crate) const ENTRY_BYTES: usize = 192;

/// What an entry with these columns weighs in a page.
pub(crate) fn weight(text: Option<&str>, data: Option<&str>) -> usize {
    ENTRY_BYTES + text.map_or(0, str::len) + data.map_or(0, str::len)
}

/// What an entry weighs in a page.
pub(crate) fn weight_of(entry: &Entry) -> usize {
    match &entry.what {
        What::Message(message) => weight(Some(message.text.as_str()), message.data.as_ref().map(Json::as_str)),
        _ => weight(None, None),
    }
}

/// A room whose row cannot be read is nobody's answer but its own.
pub(crate) fn unreadable(room: &str, error: &StoreError) {
    tracing::error!(room, %error, "the row of a room cannot be read; it is answered as if there were no such room");
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
    RoomKind::parse(word).map_err(damaged)
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

pub(crate) fn portal(id: &str) -> Result<PortalId, StoreError> {
    PortalId::parse(id).map_err(damaged)
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
