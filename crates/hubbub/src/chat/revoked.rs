//! Tokens that are not taken any more because the product's backend has logged their user out everywhere: those issued before a
//! moment. The store has the list; an instance knows it by heart, and asks for what is new every [`limits::REVOKED_EVERY`] and
//! whenever another says that there is something. So connecting needs no store, and a wake that is lost costs three seconds.
//!
//! Whoever knows first closes the connections that such tokens have made, and what connects meanwhile looks again once it is
//! among the people that are told.

use super::people::People;
use crate::{
    log::Summary,
    store::{Store, StoreError, revocations::Revocation},
};
use hubbub_core::{
    limits,
    log::hash::HashKey,
    model::{ids::UserId, time::Timestamp},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

static FAILED: Summary = Summary::new("it could not be read whose tokens are not taken any more; trying again");

/// See the module.
#[derive(Debug)]
pub struct Revoked {
    /// Users are known by a hash, which is short: one person in billions is taken for another, whose token is then fetched anew.
    key: HashKey,
    people: Arc<People>,
    known: RwLock<Known>,
    is_known: watch::Sender<bool>,
    look: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of each user, in milliseconds since 1970.
    before: HashMap<u64, i64>,
    /// Of everybody: where there are too many users to be known one by one.
    of_all: Option<i64>,
    /// The last number that was read.
    last: u64,
}

impl Known {
    fn take(&mut self, user: u64, before: i64) {
        let has_room = self.before.len() < limits::REVOKED_USERS;
        match self.before.get_mut(&user) {
            Some(known) => *known = before.max(*known),
            None if has_room => {
                self.before.insert(user, before);
            }
            None => self.of_all = self.of_all.max(Some(before)),
        }
    }

    fn has(&self, user: u64, issued: Option<Timestamp>) -> bool {
        let before = self.before.get(&user).copied().max(self.of_all);
        before.is_some_and(|before| issued.is_none_or(|issued| issued.0 < before))
    }
}

impl Revoked {
    /// Begins to read, until this is dropped. `shared`: others may write to the store.
    pub fn start(store: Arc<dyn Store>, people: Arc<People>, shared: bool) -> Arc<Self> {
        let (key, is_known) = (store.identity().hash_key.clone(), watch::channel(false).0);
        let revoked = Arc::new(Self { key, people, known: RwLock::default(), is_known, look: Arc::default() });
        let (weak, look) = (Arc::downgrade(&revoked), revoked.look.clone());
        tokio::spawn(async move {
            while let Some(revoked) = weak.upgrade() {
                match revoked.read(store.as_ref()).await {
                    Ok(()) if !shared => return,
                    Ok(()) => {}
                    Err(error) => FAILED.note(|| error.to_string()),
                }
                drop(revoked);
                // Nobody says anything: it is time.
                let _ = timeout(limits::REVOKED_EVERY, look.notified()).await;
            }
        });
        revoked
    }

    /// Whether a token of this user, issued then or nobody knows when, is not taken any more.
    pub fn has(&self, user: &UserId, issued: Option<Timestamp>) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).has(self.hash(user), issued)
    }

    /// Whether the list has been read.
    pub fn is_known(&self) -> bool {
        *self.is_known.borrow()
    }

    /// Waits for that; `false`: it takes too long.
    pub async fn comes_to_be_known(&self) -> bool {
        let mut is_known = self.is_known.subscribe();
        matches!(timeout(limits::VERIFY_WITHIN, is_known.wait_for(|known| *known)).await, Ok(Ok(_)))
    }

    /// There is something new.
    pub fn look(&self) {
        self.look.notify_one();
    }

    /// This holds from now on, and connections by such tokens are closed.
    pub fn take(&self, revocation: &Revocation) {
        let Revocation { user, before, farewell, .. } = revocation;
        let hash = self.hash(user);
        self.known.write().unwrap_or_else(PoisonError::into_inner).take(hash, before.0);
        // After that: whoever comes meanwhile is in the list of people, or sees it.
        self.people.revoke(user, *before, farewell);
    }

    /// Takes in what is new.
    async fn read(&self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let last = self.known.read().unwrap_or_else(PoisonError::into_inner).last;
            // The last one again: where it is gone and nothing is behind it, the database is another, or of before.
            let new = store.revocations(last, limits::REVOKED_PAGE).await?;
            new.iter().for_each(|revocation| self.take(revocation));
            let reached = new.last().map_or(0, |revocation| revocation.number);
            self.known.write().unwrap_or_else(PoisonError::into_inner).last = reached;
            let begins_anew = last > 0 && new.is_empty();
            if !begins_anew && new.len() < limits::REVOKED_PAGE {
                self.is_known.send_replace(true);
                return Ok(());
            }
        }
    }

    fn hash(&self, user: &UserId) -> u64 {
        let seal = self.key.seal(&[b"revoked ", user.as_str().as_bytes()].concat());
        seal.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_taken_that_was_issued_before_or_nobody_knows_when() {
        let mut known = Known::default();
        assert!(!known.has(1, None) && !known.has(1, Some(Timestamp(0))));
        known.take(1, 5_000);
        known.take(1, 4_000);
        for (issued, revoked) in [(Some(4_999), true), (Some(5_000), false), (Some(9_000), false), (None, true)] {
            assert_eq!(known.has(1, issued.map(Timestamp)), revoked, "{issued:?}");
            assert!(!known.has(2, issued.map(Timestamp)), "another's");
        }
    }

    #[test]
    fn with_too_many_users_everybody_fetches_another_token() {
        let mut known =
            Known { before: (0..limits::REVOKED_USERS as u64).map(|user| (user, 5)).collect(), ..Known::default() };
        let stranger = limits::REVOKED_USERS as u64 + 7;
        assert!(!known.has(stranger, Some(Timestamp(1))));
        known.take(stranger, 8_000);
        assert!(known.has(stranger, Some(Timestamp(7_999))) && known.has(3, Some(Timestamp(7_999))));
        assert!(!known.has(stranger, Some(Timestamp(8_000))) && known.before.len() == limits::REVOKED_USERS);
        known.take(3, 9_000);
        assert!(known.has(3, Some(Timestamp(8_500))), "who is known stays known");
    }
}
