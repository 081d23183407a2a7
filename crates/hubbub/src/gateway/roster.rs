//! Every connection of this instance, also one that has not said who it is.

use crate::chat::live::inbox::Inbox;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// See the module. In no order that means anything.
#[derive(Debug, Default)]
pub struct Roster {
    staying: Mutex<HashMap<Uuid, Arc<Inbox>>>,
}

impl Roster {
    fn staying(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Inbox>>> {
        self.staying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has opened.
    pub(super) fn enter(&self, id: Uuid, inbox: &Arc<Inbox>) {
        self.staying().insert(id, inbox.clone());
    }

    /// It has ended.
    pub(super) fn leave(&self, id: Uuid) {
        self.staying().remove(&id);
    }

    /// How many have not been sent away.
    pub fn len(&self) -> usize {
        self.staying().len()
    }

    /// Whether all have been sent away.
    pub fn is_empty(&self) -> bool {
        self.staying().is_empty()
    }

    /// Sends so many of them away.
    pub fn send_away(&self, how_many: usize) {
        let mut staying = self.staying();
        let going: Vec<Uuid> = staying.keys().take(how_many).copied().collect();
        let inboxes: Vec<_> = going.iter().filter_map(|id| staying.remove(id)).collect();
        drop(staying);
        inboxes.iter().for_each(|inbox| inbox.shut_down());
    }
}
