//! The devices of users that are connected here, and what they are told outside of any room's log.

use super::live::inbox::Inbox;
use hubbub_core::{
    log::entry::{Entry, What},
    model::ids::UserId,
    wire::push::{Hint, Publication},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// See the module.
#[derive(Debug, Default)]
pub struct People {
    devices: Mutex<HashMap<UserId, Vec<Arc<Inbox>>>>,
}

impl People {
    fn devices(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Arc<Inbox>>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device of `user` has connected.
    pub fn enter(&self, user: &UserId, inbox: &Arc<Inbox>) {
        self.devices().entry(user.clone()).or_default().push(inbox.clone());
    }

    /// It has gone.
    pub fn leave(&self, user: &UserId, inbox: &Arc<Inbox>) {
        let mut devices = self.devices();
        if let Some(list) = devices.get_mut(user) {
            list.retain(|other| !Arc::ptr_eq(other, inbox));
            if list.is_empty() {
                devices.remove(user);
            }
        }
    }

    fn of(&self, user: &UserId) -> Vec<Arc<Inbox>> {
        self.devices().get(user).cloned().unwrap_or_default()
    }

    /// Tells all devices of `user` here.
    pub fn hint(&self, user: &UserId, hint: &Hint<'_>) {
        let devices = self.of(user);
        if !devices.is_empty() {
            let push = Arc::new(Publication::hint(user, hint));
            devices.iter().for_each(|inbox| inbox.hint(push.clone()));
        }
    }

    /// Tells those whose list of rooms an entry changes.
    pub fn hear(&self, entry: &Entry) {
        match &entry.what {
            What::Joined { user, .. } => self.hint(user, &Hint::Added(&entry.room)),
            What::Left { user } | What::Banned { user } => self.hint(user, &Hint::Removed(&entry.room)),
            What::Message(_) | What::Renamed { .. } | What::State(_) => {}
        }
    }

    /// Closes all connections of `user` here.
    pub fn log_out(&self, user: &UserId) {
        self.of(user).iter().for_each(|inbox| inbox.log_out());
    }
}
