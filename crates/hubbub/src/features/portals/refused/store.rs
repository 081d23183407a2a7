//! What is kept of webhooks that were refused: bounded for each portal, the oldest gives way.

use crate::{features::portals::store::Which, store::StoreError};
use async_trait::async_trait;
use hubbub_core::{
    log::room::ListPart,
    model::time::Timestamp,
    portal::{
        PortalId,
        refused::{Refused, RefusedHook, Verdict},
    },
};

/// See the module. Every implementation passes the same suite.
#[async_trait]
pub trait RefusedStore: Send + Sync + 'static {
    /// Keeps these; each name of a portal is among them once. One that is kept already is counted, and is from now on as it came
    /// last. Then of each of their portals the oldest give way, until there are no more than
    /// [`REFUSED_HOOKS`](hubbub_core::limits::REFUSED_HOOKS) with
    /// [`REFUSED_HOOKS_BYTES`](hubbub_core::limits::REFUSED_HOOKS_BYTES): says how many. Of a deleted portal nothing is kept.
    async fn keep_refused(&self, refused: &[Refused]) -> Result<Vec<(PortalId, u64)>, StoreError>;

    /// Those of a portal, by number, after `after`.
    async fn list_refused(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<RefusedHook>, StoreError>;

    /// One of them, with its body.
    async fn refused_hook(&self, portal: &PortalId, number: u64) -> Result<Option<(RefusedHook, Vec<u8>)>, StoreError>;

    /// When those of a portal came, and their numbers, in this order; those after `after`.
    async fn refused_in_order(
        &self,
        portal: &PortalId,
        after: (Timestamp, u64),
        limit: usize,
    ) -> Result<Vec<(Timestamp, u64)>, StoreError>;

    /// One was refused once more, by an operator's doing: why. `false`: it is not there any more.
    async fn refuse_again(&self, portal: &PortalId, number: u64, verdict: &Verdict) -> Result<bool, StoreError>;

    /// Throws them away; says how many there were.
    async fn drop_refused(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError>;

    /// Throws away what has been kept for [`REFUSED_HOOKS_FOR`](hubbub_core::limits::REFUSED_HOOKS_FOR), and what an instance that
    /// knows nothing of it left when it deleted a portal: some of it. Says how many of each portal.
    async fn sweep_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError>;

    /// How many of each portal there are; portals that have none are left out.
    async fn count_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError>;
}
