//! The portals as they were in the store a moment ago: their settings change rarely, and every webhook needs them.

use super::{Complaint, support::SupportChat};
use crate::{features::portals::store::Portal, log::Summary, store::StoreError};
use hubbub_core::{limits, portal::PortalId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

type Listed = Arc<BTreeMap<PortalId, Arc<Portal>>>;

/// Portals whose secrets cannot be opened here.
static LOCKED: Summary = Summary::new("the secrets of a portal cannot be opened here, and it is not served");

/// See the module.
pub(super) struct Directory {
    support: Arc<SupportChat>,
    seen: Mutex<(Listed, Option<Instant>)>,
    /// One read at a time: webhooks to portals that are none cost the store no more.
    turns: Semaphore,
    complaint: Complaint,
}

impl Directory {
    pub fn new(support: Arc<SupportChat>) -> Self {
        Self { support, seen: Mutex::default(), turns: Semaphore::new(1), complaint: Complaint::default() }
    }

    fn seen(&self) -> (Listed, Option<Instant>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was seen is read again before it is used: a secret may be sealed anew since.
    pub fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }

    /// Reads all of them, or waits for somebody else's read that begins after this call.
    pub async fn read(&self) -> Result<Listed, StoreError> {
        let asked = Instant::now();
        let _turn = self.turns.acquire().await;
        let (listed, at) = self.seen();
        if at.is_some_and(|at| at >= asked) {
            return Ok(listed);
        }
        let began = Instant::now();
        let portals = self.support.seen().await?;
        for portal in &portals {
            self.support.chat.metrics.portals.locked(portal.id.as_str(), portal.locked.is_some());
            if let Some(why) = &portal.locked {
                LOCKED.note_of(portal.id.as_str(), || why.clone());
            }
        }
        let listed: Listed = Arc::new(portals.into_iter().map(|p| (p.id.clone(), Arc::new(p))).collect());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (listed.clone(), Some(began));
        Ok(listed)
    }

    /// All of them, at most `age` old while the store answers, and as they were last while it does not.
    pub async fn all(&self, age: Duration) -> Listed {
        let (listed, at) = self.seen();
        if at.is_some_and(|at| at.elapsed() < age) {
            return listed;
        }
        self.complaint.hear("the portals cannot be read", self.read().await).unwrap_or(listed)
    }

    /// One of them. One that is not known is looked for in the store: it may just have been made elsewhere.
    pub async fn one(&self, id: &PortalId) -> Result<Option<Arc<Portal>>, StoreError> {
        let (listed, at) = self.seen();
        match listed.get(id) {
            Some(portal) if at.is_some_and(|at| at.elapsed() < limits::PORTALS_EVERY) => Ok(Some(portal.clone())),
            known => match self.read().await {
                Ok(listed) => Ok(listed.get(id).cloned()),
                Err(error) => known.cloned().map(Some).ok_or(error),
            },
        }
    }
}
