//! Why a command was refused. The connection lives on.

use crate::{
    log::{
        account::OverQuota,
        features::{Feature, NotYet},
    },
    model::{access::Refusal, ids::Invalid, seq::Seq},
};
use serde::Serialize;
use std::{borrow::Cow, num::NonZeroU32, time::Duration};

/// How many sends are allowed in a second, and of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Of one connection.
    Connection(NonZeroU32),
    /// Entries of any kind of one user, on all of their connections.
    User(NonZeroU32),
}

impl Pace {
    /// So many in a second.
    pub const fn per_second(self) -> NonZeroU32 {
        match self {
            Self::Connection(n) | Self::User(n) => n,
        }
    }
}

/// An error reply: codes below 400 are the protocol's, from 400 on they are Hubbub's and read like those of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandError {
    /// The code.
    pub code: u32,
    /// For people; names the field and the limit where there is one.
    pub message: Cow<'static, str>,
    /// Whether the same command may succeed later; SDKs try subscriptions again by themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub temporary: bool,
}

const fn error(code: u32, message: &'static str) -> CommandError {
    CommandError { code, message: Cow::Borrowed(message), temporary: false }
}

const fn later(code: u32, message: &'static str) -> CommandError {
    CommandError { code, message: Cow::Borrowed(message), temporary: true }
}

impl CommandError {
    /// Not expected to happen; logged on the server.
    pub const INTERNAL: Self = later(100, "internal server error");
    /// The keys that tokens are checked with cannot be had: the SDK connects again by itself.
    pub const UNVERIFIED: Self = later(100, "tokens cannot be checked now, retry");
    /// The token begins to be good later than now: the SDK connects again by itself.
    pub const NOT_YET: Self = later(100, "the token is not valid yet, retry");
    /// No such room, or one that may not be seen: one answer for both.
    pub const UNKNOWN_ROOM: Self = error(102, "unknown room");
    /// The channel is subscribed already.
    pub const ALREADY_SUBSCRIBED: Self = error(105, "already subscribed");
    /// The protocol has it, this server does not (yet).
    pub const NOT_AVAILABLE: Self = error(108, "not available");
    /// The SDK fetches a new token.
    pub const TOKEN_EXPIRED: Self = error(109, "token expired");
    /// The client asked for this rather than a fresh start.
    pub const UNRECOVERABLE: Self = error(112, "unrecoverable position");
    /// Too much waits for the store.
    pub const BUSY: Self = later(429, "busy, retry with the same key");
    /// The store does not answer. Whether the command took effect may be unknown.
    pub const UNAVAILABLE: Self = later(503, "temporarily unavailable, retry with the same key");

    /// Whether this is the server's doing: busy, without its store, or broken.
    pub const fn is_failure(&self) -> bool {
        matches!(self.code, 100 | 429 | 503)
    }

    /// An instance that runs does not know this.
    pub fn not_yet(feature: Feature) -> Self {
        Self { message: Cow::Owned(NotYet(feature).to_string()), ..later(503, "") }
    }

    /// The connection has as many of something as it may.
    pub fn limit(what: &str, limit: usize) -> Self {
        Self { message: Cow::Owned(format!("limit exceeded: {what}; the limit is {limit}")), ..error(106, "") }
    }

    /// Sends come too fast.
    pub fn too_fast(pace: Pace, wait: Duration) -> Self {
        // Rounded up: who waits this long is let through.
        let wait = wait.as_millis() + 1;
        let (per_second, of) = match pace {
            Pace::Connection(n) => (n, ""),
            Pace::User(n) => (n, " for all entries of one user"),
        };
        let message =
            format!("too many sends: the limit is {per_second} a second{of}; retry in {wait} ms with the same key");
        Self { message: Cow::Owned(message), ..later(111, "") }
    }

    /// No such method.
    pub fn unknown_method(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        Self { message: Cow::Owned(format!("method not found: {name}")), ..error(104, "") }
    }

    /// A command that makes no sense.
    pub fn bad_request(why: impl std::fmt::Display) -> Self {
        Self { message: Cow::Owned(format!("bad request: {why}")), ..error(107, "") }
    }

    /// The key was used for something else.
    pub fn conflict(id: uuid::Uuid, seq: Seq) -> Self {
        let message = format!("conflict: this key belongs to entry {id} (seq {seq}) with another body");
        Self { message: Cow::Owned(message), ..error(409, "") }
    }
}

impl From<OverQuota> for CommandError {
    fn from(over: OverQuota) -> Self {
        let message = Cow::Owned(over.to_string());
        match over.wait {
            Some(_) => Self { message, ..later(111, "") },
            None => Self { message, ..error(106, "") },
        }
    }
}

impl From<Invalid> for CommandError {
    fn from(invalid: Invalid) -> Self {
        Self::bad_request(invalid)
    }
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::UnknownRoom => return Self::UNKNOWN_ROOM,
            Refusal::NotSession
            | Refusal::NoSuchMessage(_)
            | Refusal::BelowFloor(_)
            | Refusal::InThread(_)
            | Refusal::NoSuchMember { .. }
            | Refusal::NoSuchTime(_) => return Self::bad_request(refusal),
            Refusal::SlowMode { .. } => {
                return Self { message: Cow::Owned(refusal.to_string()), ..later(111, "") };
            }
            Refusal::NotMember
            | Refusal::Banned
            | Refusal::NotAdmin
            | Refusal::NotModerator
            | Refusal::ReadOnly
            | Refusal::Outranked
            | Refusal::LastAdmin
            | Refusal::Muted(_)
            | Refusal::Frozen
            | Refusal::Archived
            | Refusal::Blocked
            | Refusal::NotAuthor
            | Refusal::WindowOver(_)
            | Refusal::MayNotMentionAll
            | Refusal::FixedMembers => 103,
            Refusal::LogFull | Refusal::TooMany { .. } => 106,
            Refusal::SessionClosed | Refusal::Deleted(_) | Refusal::RoomDeleted => 410,
        };
        Self { message: Cow::Owned(refusal.to_string()), ..error(code, "") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_yet_is_temporary_and_names_the_feature() {
        for feature in [Feature::Edits, Feature::Roles] {
            let CommandError { code, message, temporary } = CommandError::not_yet(feature);
            assert_eq!((code, temporary), (503, true));
            assert!(message.starts_with("not yet: an older instance") && message.contains(feature.word()), "{message}");
        }
    }
}
