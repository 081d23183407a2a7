//! What each user uses of this instance, over all of their connections: the shell around [`hubbub_core::log::account`].
//!
//! Only clients are counted here. The product's backend and portals are not.

use super::{Chat, ChatError, methods::Actor};
use hubbub_core::{
    limits,
    log::account::{Account, OverQuota, Use, UserQuota},
    model::ids::UserId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// See the module.
#[derive(Debug, Default)]
pub struct Accounts {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_user: HashMap<UserId, Account>,
    looked: Option<Instant>,
}

/// One connection of a user, counted until it is dropped.
#[derive(Debug)]
pub struct Counted {
    accounts: Arc<Accounts>,
    user: UserId,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut kept = self.accounts.kept();
        let Some(account) = kept.by_user.get_mut(&self.user) else { return };
        account.disconnect();
        if account.is_idle(Instant::now()) {
            kept.by_user.remove(&self.user);
        }
    }
}

impl Accounts {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many users something is remembered of.
    pub fn len(&self) -> usize {
        self.kept().by_user.len()
    }

    /// Whether nothing is remembered of anybody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts a connection.
    ///
    /// # Errors
    /// The user has as many as there may be.
    pub fn connect(self: &Arc<Self>, user: &UserId, quota: &UserQuota) -> Result<Counted, OverQuota> {
        self.kept().with(user, Instant::now(), |account| account.connect(quota))?;
        Ok(Counted { accounts: self.clone(), user: user.clone() })
    }

    /// Takes a command of a user, and says how long its connection is to wait with it.
    pub fn take_command(&self, user: &UserId, quota: &UserQuota, now: Instant) -> Duration {
        self.kept().with(user, now, |account| account.take_command(quota, now))
    }

    /// Takes an entry of what a user may write, or says how long until there is one.
    ///
    /// # Errors
    /// The wait.
    pub fn take_entry(&self, user: &UserId, quota: &UserQuota, now: Instant) -> Result<(), Duration> {
        self.kept().with(user, now, |account| account.take_entry(quota, now))
    }

    fn take(&self, user: &UserId, uses: &[Use], quota: &UserQuota, now: Instant) -> Result<(), OverQuota> {
        self.kept().with(user, now, |account| account.take(uses, quota, now))
    }
}

impl Kept {
    fn with<T>(&mut self, user: &UserId, now: Instant, on: impl FnOnce(&mut Account) -> T) -> T {
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= limits::ACCOUNTS_EVERY) {
            self.looked = Some(now);
            self.forget(now);
        }
        if let Some(account) = self.by_user.get_mut(user) {
            return on(account);
        }
        on(self.by_user.entry(user.clone()).or_default())
    }

    /// Forgets those who are as new; and where too many others are gone, all of those.
    fn forget(&mut self, now: Instant) {
        self.by_user.retain(|_, account| !account.is_idle(now));
        let gone = self.by_user.values().filter(|account| !account.is_connected()).count();
        if gone > limits::ACCOUNTS {
            self.by_user.retain(|_, account| account.is_connected());
        }
        self.by_user.shrink_to(2 * self.by_user.len());
    }
}

impl Chat {
    /// Takes all of these of what a client may use, or none. Whoever is no client is not counted.
    ///
    /// # Errors
    /// What there is too little of.
    pub fn charge(&self, by: &Actor, uses: &[Use]) -> Result<(), ChatError> {
        if !by.is_client() {
            return Ok(());
        }
        let taken = self.accounts.take(&by.user, uses, &self.quota().user, Instant::now());
        taken.map_err(|over| {
            self.metrics.over_quota.inc();
            ChatError::OverQuota(over)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::log::quota::Quota;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[test]
    fn what_is_kept_of_a_user_is_gone_once_they_are_idle() {
        let (accounts, quota, now) = (Arc::new(Accounts::default()), Quota::default().user, Instant::now());
        let one = accounts.connect(&user("ana"), &quota).unwrap();
        let two = accounts.connect(&user("ana"), &quota).unwrap();
        assert_eq!(accounts.len(), 1);
        drop((one, two));
        assert!(accounts.is_empty());
        for n in 0..1_000 {
            accounts.take_entry(&user(&format!("u{n}")), &quota, now).unwrap();
        }
        assert_eq!(accounts.len(), 1_000);
        let later = now + limits::ACCOUNTS_EVERY + Duration::from_secs(1);
        accounts.take(&user("eve"), &[Use::Room], &quota, later).unwrap();
        assert_eq!(accounts.len(), 1, "only who has used something that is not there again");
    }

    #[test]
    fn no_more_are_remembered_than_the_limit_and_those_who_are_connected() {
        let (accounts, quota, now) = (Arc::new(Accounts::default()), Quota::default().user, Instant::now());
        let ana = accounts.connect(&user("ana"), &quota).unwrap();
        for n in 0..=limits::ACCOUNTS {
            accounts.take(&user(&format!("u{n}")), &[Use::Room], &quota, now).unwrap();
        }
        accounts.take_entry(&user("ana"), &quota, now + 2 * limits::ACCOUNTS_EVERY).unwrap();
        assert_eq!(accounts.len(), 1);
        drop(ana);
    }

    #[test]
    fn one_user_has_one_account_on_all_connections() {
        let (accounts, now) = (Arc::new(Accounts::default()), Instant::now());
        let mut quota = Quota::default().user;
        quota.connections = 3.try_into().unwrap();
        let mut all: Vec<_> = (0..3).map(|_| accounts.connect(&user("eve"), &quota).unwrap()).collect();
        assert!(accounts.connect(&user("eve"), &quota).is_err());
        assert!(accounts.connect(&user("ana"), &quota).is_ok(), "others are not concerned");
        all.pop();
        assert!(accounts.connect(&user("eve"), &quota).is_ok());
        let taken = (0..10_000).filter(|_| accounts.take_entry(&user("eve"), &quota, now).is_ok()).count();
        assert_eq!(taken, 500);
    }
}
