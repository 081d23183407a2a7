//! The devices of users that are connected here, and what they are told outside of any room's log.

use super::live::inbox::Inbox;
use hubbub_core::{
    log::{effects::EntryHint, encoded::EncodedEntry},
    model::{farewell::Farewell, ids::UserId},
    wire::push::{self, Hint},
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
            let push = Arc::new(push::hint(user, hint));
            devices.iter().for_each(|inbox| inbox.hint(push.clone()));
        }
    }

    /// Tells whoever is to be told of an entry beside its room's readers.
    pub fn hear(&self, entry: &EncodedEntry) {
        if let Some(EntryHint { user, kind }) = entry.effects.hint() {
            self.hint(user, &Hint::Room(*kind, &entry.room));
        }
    }

    /// Closes all connections of `user` here.
    pub fn say_farewell(&self, user: &UserId, farewell: &Farewell) {
        self.of(user).iter().for_each(|inbox| inbox.say_farewell(farewell));
    }
}
