//! Why something an operator asked of support chat was not done.

use crate::{
    chat::{ChatError, methods::MethodError},
    store::StoreError,
};
use hubbub_core::{limits, model::ids::Invalid, portal::mapping::Unmapped};

/// See the module. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupportError {
    /// The chat's own reasons.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// A value that cannot be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A body means nothing by the portal's mapping.
    #[error(transparent)]
    Unmapped(#[from] Unmapped),
    /// There is no portal of this id.
    #[error("there is no portal of this id")]
    UnknownPortal,
    /// There is a portal of this id.
    #[error("a portal of this id exists, or was deleted: an id is not given twice")]
    PortalExists,
    /// There are as many portals as there may be.
    #[error("limit exceeded: portals; the limit is {}", limits::PORTALS)]
    TooManyPortals,
    /// Others changed the portal at the same time, again and again.
    #[error("others change this portal, too; try again")]
    PortalBusy,
    /// Nothing waits in the session, or it does no more.
    #[error("nothing waits in this session that could be skipped")]
    NothingWaits,
    /// There is no session of this id.
    #[error("there is no session of this id")]
    UnknownSession,
    /// The portal has no dead letter of this number.
    #[error("this portal has no dead letter of this number")]
    UnknownDeadLetter,
    /// The portal has no event of this number in quarantine.
    #[error("this portal has no event of this number in quarantine")]
    UnknownEvent,
    /// The portal has no refused webhook of this number.
    #[error("this portal has no refused webhook of this number; it was taken, thrown away, or gave way to newer ones")]
    UnknownHook,
    /// The log has no number left.
    #[error("the log of this session is full")]
    LogFull,
}

impl From<StoreError> for SupportError {
    fn from(error: StoreError) -> Self {
        Self::Chat(error.into())
    }
}

impl From<SupportError> for MethodError {
    fn from(error: SupportError) -> Self {
        let (status, word) = match &error {
            SupportError::Chat(chat) => return chat.clone().into(),
            SupportError::Invalid(invalid) => return invalid.clone().into(),
            SupportError::Unmapped(unmapped) => (unmapped.status(), "unmapped"),
            SupportError::UnknownPortal => (404, "unknown_portal"),
            SupportError::PortalExists => (409, "portal_exists"),
            SupportError::TooManyPortals => (409, "too_many"),
            SupportError::PortalBusy => (429, "busy"),
            SupportError::NothingWaits => (409, "nothing_waits"),
            SupportError::UnknownSession => (404, "unknown_session"),
            SupportError::UnknownDeadLetter => (404, "unknown_letter"),
            SupportError::UnknownEvent => (404, "unknown_event"),
            SupportError::UnknownHook => (404, "unknown_hook"),
            SupportError::LogFull => (409, "log_full"),
        };
        Self::new(status, word, error.to_string())
    }
}
