//! What is kept of the tokens that open portals: one row for each portal, which one instance at a time may renew.
//!
//! Whoever renews claims the row with a lease and a fence. What it brings is written where the claim still stands, or where
//! nobody else has written since: a token endpoint may have taken the old refresh token back, so that the new one must not be
//! lost to a pause. What an operator gives is above both.

use crate::{features::portals::vault::Kept, store::StoreError};
use async_trait::async_trait;
use hubbub_core::{model::time::Timestamp, portal::PortalId};
use std::time::Duration;

/// The tokens of a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The portal.
    pub portal: PortalId,
    /// What opens it; `None`: there is none that is good.
    pub access: Option<Kept>,
    /// When that is to be renewed; `None`: when it is refused.
    pub renew_at: Option<Timestamp>,
    /// What tells the settings that it was fetched for.
    pub made_for: Option<String>,
    /// What renews it.
    pub refresh: Option<Kept>,
    /// Raised by each change of the above but a refusal: what was fetched before it is written all the same.
    pub generation: u64,
    /// Why the token endpoint wants another grant: nothing is renewed until an operator gives one, or resumes the portal.
    pub refused: Option<String>,
}

/// The right to renew the tokens of a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantClaim {
    /// The portal.
    pub portal: PortalId,
    /// The claim's.
    pub fence: u64,
    /// The tokens' when they were claimed.
    pub generation: u64,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantStep {
    /// There are new tokens.
    Renewed {
        /// What opens the portal.
        access: Kept,
        /// When it is to be renewed.
        renew_at: Option<Timestamp>,
        /// What tells the settings that it was fetched for.
        made_for: String,
        /// What renews it from now on; `None`: what renewed it so far.
        refresh: Option<Kept>,
    },
    /// The token endpoint wants another grant.
    Refused(String),
    /// Nothing.
    GivenBack,
}

/// See the module. Every implementation passes the same suite.
#[async_trait]
pub trait GrantStore: Send + Sync + 'static {
    /// The tokens of a portal; `None`: there never were any.
    async fn grant(&self, portal: &PortalId) -> Result<Option<Grant>, StoreError>;

    /// Those of all portals.
    async fn grants(&self) -> Result<Vec<Grant>, StoreError>;

    /// Claims the right to renew the tokens of this generation (0: there are none) for `lease` from now; `None` when somebody else
    /// has it, they are of another generation, or another grant is wanted.
    async fn claim_grant(
        &self,
        portal: &PortalId,
        generation: u64,
        lease: Duration,
    ) -> Result<Option<GrantClaim>, StoreError>;

    /// Writes back what came of a claim; `false` when it was not written.
    async fn settle_grant(&self, claim: &GrantClaim, step: &GrantStep) -> Result<bool, StoreError>;

    /// Takes a token of this generation for good no more, unless one was in the time `again` before. Says whether it was.
    async fn void_grant(&self, portal: &PortalId, generation: u64, again: Duration) -> Result<bool, StoreError>;

    /// Keeps what an operator gives: a refresh token. What others bring who claimed before is not written any more. `false`:
    /// there is no such portal.
    async fn give_grant(&self, portal: &PortalId, refresh: &Kept) -> Result<bool, StoreError>;

    /// Forgets that another grant was wanted.
    async fn forgive_grant(&self, portal: &PortalId) -> Result<(), StoreError>;

    /// Keeps the same tokens in another form, if they still are of this generation.
    async fn reseal_grant(&self, grant: &Grant) -> Result<bool, StoreError>;
}
