//! What was done outside of any room's log, and by whom.

use hubbub_core::model::{ids::UserId, time::Timestamp};

/// Something that is about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAct {
    /// By whom.
    pub actor: UserId,
    /// The method.
    pub act: &'static str,
    /// The path of the request.
    pub subject: String,
}

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedAct {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: UserId,
    /// The method.
    pub act: String,
    /// The path of the request.
    pub subject: String,
    /// What became of it: `done`, or the word of the refusal. `None`: not known; an instance died, or it is being done.
    pub outcome: Option<String>,
}

/// Which of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Those before this number.
    pub before: Option<u64>,
    /// By this person.
    pub actor: Option<UserId>,
    /// Of this method.
    pub act: Option<String>,
    /// Whose path begins so.
    pub subject: Option<String>,
}

impl AuditFilter {
    /// The bound of numbers.
    pub(crate) fn bound(&self) -> i64 {
        self.before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX)
    }
}
