//! The devices of users that are connected here, and what they are told outside of any room's log.

pub mod activity;
pub mod marks;
pub mod online;
pub mod seen;
pub mod typing;

use super::live::inbox::{Inbox, Told, ToldPush};
use hubbub_core::{
    limits,
    log::{
        effects::{EntryHint, HintKind},
        encoded::EncodedEntry,
    },
    model::{farewell::Farewell, ids::UserId, seq::Seq, time::Timestamp},
    wire::push::{self, Hint},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub struct People {
    devices: Mutex<HashMap<UserId, Vec<Arc<Inbox>>>>,
    missed: Notify,
    /// Who has come or gone lately.
    pub seen: seen::Lately,
}

impl People {
    fn devices(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Arc<Inbox>>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device of `user` has connected.
    pub fn enter(&self, user: &UserId, inbox: &Arc<Inbox>) {
        self.devices().entry(user.clone()).or_default().push(inbox.clone());
        self.seen.note(user);
    }

    /// Whether a device of `user` is connected here.
    pub fn has(&self, user: &UserId) -> bool {
        self.devices().contains_key(user)
    }

    /// Whose devices are connected here.
    pub fn all(&self) -> Vec<UserId> {
        self.devices().keys().cloned().collect()
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
        self.seen.note(user);
    }

    fn of(&self, user: &UserId) -> Vec<Arc<Inbox>> {
        self.devices().get(user).cloned().unwrap_or_default()
    }

    /// Tells all devices of `user` here.
    pub fn hint(&self, user: &UserId, hint: &Hint<'_>) {
        let devices = self.of(user);
        if !devices.is_empty() {
            let (of, admits) = match hint {
                Hint::Room(kind, room, seq) => (Some(((*room).clone(), *seq)), *kind == HintKind::Added),
                Hint::Deleted(room) => (Some(((*room).clone(), Seq::MAX)), false),
                Hint::Missed | Hint::Forwarding(_) | Hint::Event(_) | Hint::Features(_) | Hint::Signal(_) => {
                    (None, false)
                }
            };
            let devices = devices.iter().filter(|inbox| match hint {
                Hint::Signal(_) => inbox.hears_signals(),
                Hint::Deleted(_) => inbox.hears_signals() || inbox.hears_activity(),
                _ => true,
            });
            let told = Told { push: ToldPush::Framed(Arc::new(push::hint(user, hint))), of, admits };
            devices.for_each(|inbox| inbox.hint(told.clone()));
        }
    }

    /// Tells all devices here, some users at a time, as long as there is anybody to tell.
    pub async fn tell_all(people: &Weak<Self>, hint: &Hint<'_>) {
        let all: Vec<UserId> = people.upgrade().map(|all| all.devices().keys().cloned().collect()).unwrap_or_default();
        for some in all.chunks(limits::MISSED_AT_ONCE) {
            let Some(people) = people.upgrade() else { return };
            some.iter().for_each(|user| people.hint(user, hint));
            drop(people);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Something that others have said was lost: there may have been hints in it, for anybody.
    pub fn may_have_missed(&self) {
        self.missed.notify_one();
    }

    /// Tells all devices here so, some at a time, as long as there is anybody to tell.
    pub async fn tell_what_was_missed(people: Weak<Self>) {
        loop {
            // Nobody is held by waiting.
            let Some(missed) = people.upgrade() else { return };
            let lost = tokio::time::timeout(limits::MISSED_EVERY, missed.missed.notified()).await.is_ok();
            let of_rooms = |inbox: &&Arc<Inbox>| !inbox.hears_activity();
            let all: Vec<_> =
                if lost { missed.devices().values().flatten().filter(of_rooms).cloned().collect() } else { Vec::new() };
            drop(missed);
            for some in all.chunks(limits::MISSED_AT_ONCE) {
                some.iter().for_each(|inbox| inbox.miss());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if lost {
                tokio::time::sleep(limits::MISSED_EVERY).await;
            }
        }
    }

    /// Tells whoever is to be told of an entry beside its room's readers.
    pub fn hear(&self, entry: &EncodedEntry) {
        if let Some(EntryHint { user, kind }) = entry.effects.hint() {
            self.hint(user, &Hint::Room(*kind, &entry.room, entry.seq));
        }
    }

    /// Closes those connections of `user` here whose token was issued before, or nobody knows when.
    pub fn revoke(&self, user: &UserId, before: Timestamp, farewell: &Farewell) {
        let devices = self.of(user);
        devices.iter().filter(|inbox| inbox.issued() < before).for_each(|inbox| inbox.say_farewell(farewell));
    }

    /// Closes all connections of `user` here.
    pub fn say_farewell(&self, user: &UserId, farewell: &Farewell) {
        self.of(user).iter().for_each(|inbox| inbox.say_farewell(farewell));
    }
}
