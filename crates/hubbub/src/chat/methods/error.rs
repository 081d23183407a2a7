//! Why a method did not do what was asked, and how that is said over REST.

use crate::{chat::ChatError, store::StoreError};
use hubbub_core::{
    limits,
    model::{access::Refusal, ids::Invalid},
};
use serde::Serialize;
use std::{borrow::Cow, time::Duration};
use utoipa::ToSchema;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Something in the request: 107 by `rpc`, 422 over REST.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The chat's own reasons.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// A reason of this method.
    #[error("{why}")]
    Own {
        /// The code by `rpc`; 107 is said as "bad request: …".
        code: u32,
        /// The status over REST.
        status: u16,
        /// The word for machines over REST.
        word: &'static str,
        /// For people.
        why: Cow<'static, str>,
    },
}

impl MethodError {
    /// A reason of a method: this status and word over REST, 107 by `rpc`.
    pub fn new(status: u16, word: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Own { code: 107, status, word, why: why.into() }
    }

    /// A request that cannot be read.
    pub fn bad_request(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "bad_request", why)
    }

    /// A body that is longer than `limit` bytes, or was cut off.
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "too_large", format!("body: more than {limit} bytes, or cut off"))
    }

    /// Whether it is the server's doing: busy, or without its store.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Chat(ChatError::Busy | ChatError::Unavailable | ChatError::NotYet(_)))
    }
}

impl From<StoreError> for MethodError {
    fn from(error: StoreError) -> Self {
        Self::Chat(error.into())
    }
}

impl From<Refusal> for MethodError {
    fn from(refusal: Refusal) -> Self {
        Self::Chat(refusal.into())
    }
}

/// Why a request was refused: a problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A word for machines.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What kind of problem.
    pub(crate) title: &'static str,
    /// What exactly: names the field and the limit where there is one.
    pub(crate) detail: String,
    #[serde(skip)]
    pub(crate) retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of this status.
    pub fn of(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, status, title: title(status), detail: detail.into(), retry_after: None }
    }
}

/// The names of the statuses that are answered with a problem.
const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::of(422, "invalid", invalid.to_string())
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let (status, code) = match &error {
            ChatError::Refused(refusal) => match refusal {
                Refusal::UnknownRoom => (404, "unknown_room"),
                Refusal::NotMember => (403, "not_member"),
                Refusal::Banned => (403, "banned"),
                Refusal::NotAdmin => (403, "not_admin"),
                Refusal::FixedMembers => (409, "fixed_members"),
                Refusal::NotModerator | Refusal::MayNotMentionAll => (403, "not_moderator"),
                Refusal::ReadOnly => (403, "read_only"),
                Refusal::Outranked => (403, "outranked"),
                Refusal::Muted(_) => (403, "muted"),
                Refusal::Frozen => (403, "frozen"),
                Refusal::Blocked => (403, "blocked"),
                Refusal::Archived => (403, "archived"),
                Refusal::RoomDeleted => (410, "room_deleted"),
                Refusal::NotAuthor => (403, "not_author"),
                Refusal::WindowOver(_) => (403, "window_over"),
                Refusal::LastAdmin => (409, "last_admin"),
                Refusal::SlowMode { .. } => (429, "slow_mode"),
                Refusal::Deleted(_) => (410, "deleted"),
                Refusal::NoSuchMessage(_)
                | Refusal::BelowFloor(_)
                | Refusal::InThread(_)
                | Refusal::NoSuchMember { .. }
                | Refusal::NoSuchTime(_) => (422, "invalid"),
                Refusal::TooMany { .. } => (409, "too_many"),
                Refusal::LogFull => (409, "log_full"),
                Refusal::SessionClosed => (409, "session_closed"),
                Refusal::NotSession => (404, "not_session"),
            },
            ChatError::Conflict { .. } => (409, "conflict"),
            ChatError::RoomExists => (409, "room_exists"),
            ChatError::Unrecoverable => (409, "unrecoverable"),
            ChatError::OverQuota(_) => (429, "over_quota"),
            ChatError::Busy => (429, "busy"),
            ChatError::Unavailable => (503, "unavailable"),
            ChatError::NotYet(_) => (503, "not_yet"),
        };
        let retry_after = match &error {
            ChatError::OverQuota(over) => over.wait,
            ChatError::NotYet(_) => Some(limits::LEASE),
            ChatError::Refused(Refusal::SlowMode { wait_ms, .. }) => Some(Duration::from_millis(*wait_ms)),
            _ => None,
        };
        Self { retry_after, ..Self::of(status, code, error.to_string()) }
    }
}

impl From<MethodError> for Problem {
    fn from(error: MethodError) -> Self {
        match error {
            MethodError::Invalid(invalid) => invalid.into(),
            MethodError::Chat(error) => error.into(),
            MethodError::Own { status, word, why, .. } => Self::of(status, word, why),
        }
    }
}
