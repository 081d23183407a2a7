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
    by_user: HashMap<UserId, Shared>,
    looked: Option<Instant>,
}

/// The account of one user. Each of their connections holds it: what they do there locks out nobody else.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Account>>);

impl Shared {
    fn get(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection of a user, counted until it is dropped.
#[derive(Debug)]
pub struct Counted {
    accounts: Arc<Accounts>,
    user: UserId,
    account: Shared,
}

impl Counted {
    /// Takes a command of the user, and says how long this connection is to wait with it.
    pub fn take_command(&self, quota: &UserQuota, now: Instant) -> Duration {
        self.account.get().take_command(quota, now)
    }

    /// Takes an entry of what the user may write, or says how long until there is one.
    ///
    /// # Errors
    /// The wait.
    pub fn take_entry(&self, quota: &UserQuota, now: Instant) -> Result<(), Duration> {
        self.account.get().take_entry(quota, now)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut kept = self.accounts.kept();
        let is_idle = {
            let mut account = self.account.get();
            account.disconnect();
            account.is_idle(Instant::now())
        };
        if is_idle {
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
        let mut kept = self.kept();
        let account = kept.account(user, Instant::now());
        account.get().connect(quota)?;
        Ok(Counted { accounts: self.clone(), user: user.clone(), account })
    }

    fn take(&self, user: &UserId, uses: &[Use], quota: &UserQuota, now: Instant) -> Result<(), OverQuota> {
        // Locked until it is taken: who is not connected has no account but this.
        let mut kept = self.kept();
        kept.account(user, now).get().take(uses, quota, now)
    }
}

impl Kept {
    fn account(&mut self, user: &UserId, now: Instant) -> Shared {
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= limits::ACCOUNTS_EVERY) {
            self.looked = Some(now);
            self.forget(now);
        }
        if let Some(account) = self.by_user.get(user) {
            return account.clone();
        }
        self.by_user.entry(user.clone()).or_default().clone()
    }

    /// Forgets those who are as new; and where too many others are gone, all of those.
    fn forget(&mut self, now: Instant) {
        self.by_user.retain(|_, account| !account.get().is_idle(now));
        let gone = self.by_user.values().filter(|account| !account.get().is_connected()).count();
        if gone > limits::ACCOUNTS {
            self.by_user.retain(|_, account| account.get().is_connected());
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
            accounts.take(&user(&format!("u{n}")), &[Use::Entry], &quota, now).unwrap();
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
        accounts.take(&user("ana"), &[Use::Entry], &quota, now + 2 * limits::ACCOUNTS_EVERY).unwrap();
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
        all.push(accounts.connect(&user("eve"), &quota).unwrap());
        let taken = (0..9_999).filter(|n| all[n % 3].take_entry(&quota, now).is_ok()).count();
        assert_eq!(taken, 500);
        assert!(accounts.take(&user("eve"), &[Use::Entry], &quota, now).is_err(), "nor by another way");
    }
}
