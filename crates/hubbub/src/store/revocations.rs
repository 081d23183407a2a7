//! Tokens that are not taken any more: of each user, those that were issued before a moment.

use super::StoreError;
use async_trait::async_trait;
use hubbub_core::model::{farewell::Farewell, ids::UserId, time::Timestamp};

/// What holds of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Which change of all it was. A later one has a higher number, and is seen by nobody before those with lower ones.
    pub number: u64,
    /// Whose tokens.
    pub user: UserId,
    /// Those that were issued before. It never goes back.
    pub before: Timestamp,
    /// How connections by such tokens are closed.
    pub farewell: Farewell,
}

/// Keeps and reads them.
#[async_trait]
pub trait Revocations {
    /// From now on tokens of this user issued before this moment are not taken, or before the one that was said already if
    /// that is later.
    async fn revoke(&self, user: &UserId, before: Timestamp, farewell: &Farewell) -> Result<Revocation, StoreError>;

    /// What holds of users about whom something was changed from the number `from` on, by number: at most `limit`.
    async fn revocations(&self, from: u64, limit: usize) -> Result<Vec<Revocation>, StoreError>;
}
