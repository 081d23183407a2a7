//! What is kept of edits and deletions that came before their message, and what a portal calls a message.

use crate::store::StoreError;
use async_trait::async_trait;
use hubbub_core::{
    model::{ids::RoomId, seq::Seq},
    portal::{
        PortalId,
        incoming_change::{DueChange, IncomingChange},
    },
};
use uuid::Uuid;

/// A message as it stands in a log, and as its portal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMessage {
    /// Its id.
    pub id: Uuid,
    /// Its content was blanked.
    pub gone: bool,
    /// The names of the portal's events that it is: what brought it, or echoes of it.
    pub events: Vec<String>,
}

/// See the module. Every implementation passes the same suite.
#[async_trait]
pub trait ChangeStore: Send + Sync + 'static {
    /// Keeps a change until its message comes; one with an event that is kept already is the same. `false`: as many are kept as may
    /// be ([`CHANGES_WAITING`](hubbub_core::limits::CHANGES_WAITING)).
    async fn keep_change(&self, change: &IncomingChange) -> Result<bool, StoreError>;

    /// Whether a change of the message of one of these names waits.
    async fn changes_wait(&self, portal: &PortalId, targets: &[String]) -> Result<bool, StoreError>;

    /// Changes whose message has come, in the order in which they came: at most
    /// [`CHANGES_TOGETHER`](hubbub_core::limits::CHANGES_TOGETHER). None of portals that were deleted, and none in these sessions.
    async fn due_changes(&self, except: &[RoomId]) -> Result<Vec<DueChange>, StoreError>;

    /// These wait no more.
    async fn drop_changes(&self, numbers: &[u64]) -> Result<(), StoreError>;

    /// Throws away what has waited for [`AWAITED_FOR`](hubbub_core::limits::AWAITED_FOR) and whose message has not come, unless that
    /// is in quarantine: how many of each portal. Those of portals that were deleted are thrown away, too, and not counted.
    async fn sweep_changes(&self) -> Result<Vec<(PortalId, u64)>, StoreError>;

    /// An entry of a session; `None`: there is none of this number.
    async fn known_message(&self, session: &RoomId, seq: Seq) -> Result<Option<KnownMessage>, StoreError>;
}
