//! The portals, as they were in the store a moment ago: settings change rarely, and are asked for with every webhook.

use super::Complaint;
use crate::store::{Store, StoreError, portals::Portal};
use hubbub_core::{limits, portal::PortalId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

type Listed = Arc<BTreeMap<PortalId, Arc<Portal>>>;

/// See the module.
pub(super) struct Directory {
    store: Arc<dyn Store>,
    seen: Mutex<(Listed, Option<Instant>)>,
    complaint: Complaint,
}

impl Directory {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, seen: Mutex::default(), complaint: Complaint::default() }
    }

    fn seen(&self) -> (Listed, Option<Instant>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads all of them.
    pub async fn read(&self) -> Result<Listed, StoreError> {
        let began = Instant::now();
        let portals = self.store.portals().await?;
        let listed: Listed = Arc::new(portals.into_iter().map(|p| (p.id.clone(), Arc::new(p))).collect());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever began to read later may have been quicker.
        if seen.1.is_none_or(|at| at < began) {
            *seen = (listed, Some(began));
        }
        Ok(seen.0.clone())
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
