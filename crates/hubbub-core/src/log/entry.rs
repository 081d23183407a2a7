//! What a log is made of.

use crate::{
    limits::TEXT_BYTES,
    model::{
        access::Role,
        ids::{Invalid, Key, RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
    },
    portal::session::SessionState,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// One entry of a room's log: something durable that happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The room.
    pub room: RoomId,
    /// Its number in the room.
    pub seq: Seq,
    /// Its name everywhere, a UUID of version 7.
    pub id: Uuid,
    /// Who did it.
    pub from: UserId,
    /// When the store took it, by the store's clock.
    pub at: Timestamp,
    /// What makes it happen once.
    pub key: Key,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Somebody said something.
    Message(Message),
    /// Somebody became a member, or a member's role changed.
    Joined {
        /// Who.
        user: UserId,
        /// As what.
        role: Role,
    },
    /// Somebody left or was removed, or a ban was lifted.
    Left {
        /// Who.
        user: UserId,
    },
    /// Somebody was banned.
    Banned {
        /// Who.
        user: UserId,
    },
    /// The room has another name.
    Renamed {
        /// The new name.
        name: String,
    },
    /// A support session stands elsewhere: it was opened, its customer waits, or it was closed.
    State(SessionState),
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The text; may be empty where there is data.
    pub text: Text,
    /// What the product attached.
    pub data: Option<Json>,
    /// The entry this answers.
    pub reply_to: Option<Seq>,
}

/// A text within its limit, without U+0000 (which Postgres cannot keep).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Box<str>);

impl Text {
    /// Takes a client's text.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > TEXT_BYTES {
            return Err(Invalid::too_long("text", text.len(), TEXT_BYTES));
        }
        if text.contains('\0') {
            return Err(Invalid::new("text", "the character U+0000 is not allowed"));
        }
        Ok(Self(text.into()))
    }

    /// A text that this program stored itself.
    pub fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl What {
    /// Who stops being allowed to read here by this entry, if anybody: their subscriptions end with it.
    pub fn ends(&self) -> Option<&UserId> {
        match self {
            Self::Left { user } | Self::Banned { user } => Some(user),
            Self::Message(_) | Self::Joined { .. } | Self::Renamed { .. } | Self::State(_) => None,
        }
    }

    /// The word for `type` on the wire and in the store.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Banned { .. } => "banned",
            Self::Renamed { .. } => "renamed",
            Self::State(SessionState::Open) => "opened",
            Self::State(SessionState::Waiting) => "waiting",
            Self::State(SessionState::Closed) => "closed",
        }
    }
}

/// An entry that is not in the log yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The room it is for.
    pub room: RoomId,
    /// The id it will have if it is the first with its key.
    pub id: Uuid,
    /// Who does it.
    pub from: UserId,
    /// The client's key, or one made at admission.
    pub key: Key,
    /// What the key stands for.
    pub hash: BodyHash,
    /// What is to happen.
    pub what: What,
    /// By whose right.
    pub right: Right,
}

/// By whose right something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The sender's own standing in the room decides.
    Own,
    /// The product's backend asked; messages still need a sender who is a member.
    Backend,
    /// A portal asked, for a session of its own: its agents write without being members, also where the session is closed.
    Portal,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Appended(Place),
    /// Its key is in the log already, with the same body: this is the first.
    Known(Place),
    /// Its key is in the log already, with another body.
    Conflict {
        /// The first entry with the key.
        id: Uuid,
        /// Where that one is.
        seq: Seq,
    },
    /// Things were as asked before; nothing was written.
    Unchanged,
    /// It may not be.
    Refused(crate::model::access::Refusal),
}

/// Where and when an entry came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The entry.
    pub id: Uuid,
    /// Its number.
    pub seq: Seq,
    /// The epoch of that number.
    pub epoch: Epoch,
    /// When.
    pub at: Timestamp,
}

impl Draft {
    /// The entry this draft became.
    pub fn entry(&self, place: Place) -> Entry {
        Entry {
            room: self.room.clone(),
            seq: place.seq,
            id: place.id,
            from: self.from.clone(),
            at: place.at,
            key: self.key.clone(),
            what: self.what.clone(),
        }
    }
}

/// Milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads `2026-01-31T09:30:00.123Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// A keyed hash of what a draft says, kept beside its key: a retry with another body is a conflict, and a later edit
/// or erasure of the entry makes no retry one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyHash(pub [u8; 16]);

/// The database's secret for [`BodyHash`]: without it a hash tells nothing about a text.
#[derive(Clone)]
pub struct HashKey(pub [u8; 32]);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    /// The hash of `what`.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub fn hash(&self, what: &What) -> BodyHash {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(what.word().as_bytes());
        match what {
            What::Message(Message { text, data, reply_to }) => {
                part(text.as_str().as_bytes());
                part(data.as_ref().map_or("", Json::as_str).as_bytes());
                part(&reply_to.unwrap_or_default().get().to_be_bytes());
            }
            What::Joined { user, role } => {
                part(user.as_str().as_bytes());
                part(role.word().as_bytes());
            }
            What::Left { user } | What::Banned { user } => part(user.as_str().as_bytes()),
            What::Renamed { name } => part(name.as_bytes()),
            // The word says it all.
            What::State(_) => {}
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        BodyHash(short)
    }
}

/// Seals: the same key vouches for short texts that instances give to clients and want to know again.
impl HashKey {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn sealing(&self, what: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        // No body of an entry is hashed with these words in front.
        mac.update(b"a seal of ");
        mac.update(what);
        mac
    }

    /// The seal of `what`.
    pub fn seal(&self, what: &[u8]) -> [u8; 16] {
        let mut seal = [0; 16];
        seal.copy_from_slice(&self.sealing(what).finalize().into_bytes()[..16]);
        seal
    }

    /// Whether this is the seal of `what`; takes the same time for all that are not.
    pub fn is_seal(&self, what: &[u8], seal: &[u8]) -> bool {
        seal.len() == 16 && self.sealing(what).verify_truncated_left(seal).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_to_the_millisecond() {
        let at = Timestamp(1_769_851_800_120);
        assert_eq!(at.to_string(), "2026-01-31T09:30:00.120Z");
        assert_eq!(Timestamp::parse("2026-01-31T09:30:00.120Z"), Some(at));
    }

    #[test]
    fn the_hash_tells_bodies_apart_that_join_to_the_same_bytes() {
        let key = HashKey([7; 32]);
        let say = |text: &str, data: Option<&str>| {
            key.hash(&What::Message(Message {
                text: Text::parse(text).unwrap(),
                data: data.map(|d| Json::trusted(d.into())),
                reply_to: None,
            }))
        };
        assert_eq!(say("hi", None), say("hi", None));
        assert_ne!(say("hi1", None), say("hi", Some("1")));
    }
}
