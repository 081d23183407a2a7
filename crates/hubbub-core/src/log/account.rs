//! What one user has used of an instance, over all of their connections.

use crate::{
    limits,
    model::rate::{Allowance, Rate},
};
use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::{Duration, Instant},
};

/// What one user may use of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserQuota {
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// Commands of any kind per second; [`BURST`] seconds' worth may come at once. Beyond, they are read more slowly.
    pub commands_per_second: NonZeroU32,
    /// Entries of any kind per second; [`BURST`] seconds' worth may come at once.
    pub entries_per_second: NonZeroU32,
    /// Rooms made per hour; an hour's worth may come at once, here and below.
    pub rooms_per_hour: NonZeroU32,
    /// People put into rooms per hour.
    pub people_per_hour: NonZeroU32,
    /// Sessions opened per hour.
    pub sessions_per_hour: NonZeroU32,
}

impl Default for UserQuota {
    fn default() -> Self {
        let some = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            connections: NonZeroUsize::new(limits::USER_CONNECTIONS).unwrap_or(NonZeroUsize::MIN),
            commands_per_second: some(limits::USER_COMMANDS_PER_SECOND),
            entries_per_second: some(limits::USER_ENTRIES_PER_SECOND),
            rooms_per_hour: some(limits::USER_ROOMS_PER_HOUR),
            people_per_hour: some(limits::USER_PEOPLE_PER_HOUR),
            sessions_per_hour: some(limits::USER_SESSIONS_PER_HOUR),
        }
    }
}

/// How many seconds' worth of commands and of entries may come at once.
pub const BURST: u32 = 10;

const HOUR: Duration = Duration::from_secs(3_600);

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// An entry of any kind: a message, a join, a leave, a state of a session.
    Entry,
    /// A room that is made.
    Room,
    /// People who are put into a room.
    People(u32),
    /// A session that is opened.
    Session,
}

/// There is no more of something for now, or never is so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct OverQuota {
    what: &'static str,
    most: usize,
    per: &'static str,
    /// When there is some again; `None`: waiting alone is no use.
    pub wait: Option<Duration>,
}

impl OverQuota {
    fn words(&self) -> String {
        let Self { what, most, per, wait } = self;
        let limit = format!("limit exceeded: {what} of one user; the limit is {most}{per}");
        // Rounded up: who waits this long is let through.
        wait.map_or(limit.clone(), |wait| format!("{limit}; retry in {} ms", wait.as_millis() + 1))
    }

    /// What there is too much of: a word of metrics.
    pub const fn what(&self) -> &'static str {
        self.what
    }
}

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Account {
    connections: usize,
    commands: Rate,
    entries: Rate,
    rooms: Rate,
    people: Rate,
    sessions: Rate,
}

impl Account {
    /// One connection more.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub fn connect(&mut self, quota: &UserQuota) -> Result<(), OverQuota> {
        let most = quota.connections.get();
        if self.connections >= most {
            return Err(OverQuota { what: "connections", most, per: " on one instance", wait: None });
        }
        self.connections += 1;
        Ok(())
    }

    /// One connection less.
    pub const fn disconnect(&mut self) {
        self.connections = self.connections.saturating_sub(1);
    }

    /// Takes a command, and says how long its connection is to wait with it: connections are told one after another.
    pub fn take_command(&mut self, quota: &UserQuota, now: Instant) -> Duration {
        self.commands.reserve(burst(quota.commands_per_second), now)
    }

    /// Takes an entry, or says how long until there is one.
    ///
    /// # Errors
    /// The wait.
    pub fn take_entry(&mut self, quota: &UserQuota, now: Instant) -> Result<(), Duration> {
        self.entries.take_of(1, entries(quota), now)
    }

    /// Takes all of these, or none of them.
    ///
    /// # Errors
    /// Which there is too little of, and how long until there is enough.
    pub fn take(&mut self, uses: &[Use], quota: &UserQuota, now: Instant) -> Result<(), OverQuota> {
        let mut after = *self;
        for one in uses {
            let (rate, n, what, most, per) = match *one {
                Use::Entry => (&mut after.entries, 1, "entries", quota.entries_per_second, " a second"),
                Use::Room => (&mut after.rooms, 1, "rooms made", quota.rooms_per_hour, " an hour"),
                Use::People(n) => (&mut after.people, n, "people added", quota.people_per_hour, " an hour"),
                Use::Session => (&mut after.sessions, 1, "sessions opened", quota.sessions_per_hour, " an hour"),
            };
            let allowed = if *one == Use::Entry { entries(quota) } else { Allowance { most, over: HOUR } };
            if let Err(wait) = rate.take_of(n, allowed, now) {
                let wait = (n <= allowed.most.get()).then_some(wait);
                return Err(OverQuota { what, most: most.get() as usize, per, wait });
            }
        }
        *self = after;
        Ok(())
    }

    /// Whether nothing need be remembered: it is as that of somebody new.
    pub fn is_idle(&self, now: Instant) -> bool {
        let rates = [&self.commands, &self.entries, &self.rooms, &self.people, &self.sessions];
        self.connections == 0 && rates.iter().all(|rate| rate.is_full(now))
    }

    /// Whether somebody is connected.
    pub const fn is_connected(&self) -> bool {
        self.connections > 0
    }
}

fn entries(quota: &UserQuota) -> Allowance {
    burst(quota.entries_per_second)
}

fn burst(per_second: NonZeroU32) -> Allowance {
    let most = per_second.saturating_mul(NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN));
    Allowance { most, over: Duration::from_secs(u64::from(BURST)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::quota::Quota;

    fn quota() -> UserQuota {
        let n = |n| NonZeroU32::new(n).unwrap();
        UserQuota {
            connections: NonZeroUsize::new(2).unwrap(),
            commands_per_second: n(7),
            entries_per_second: n(5),
            rooms_per_hour: n(3),
            people_per_hour: n(10),
            sessions_per_hour: n(1),
        }
    }

    #[test]
    fn the_refusal_names_what_the_limit_and_the_wait() {
        let (mut eve, now, quota) = (Account::default(), Instant::now(), quota());
        for _ in 0..50 {
            eve.take(&[Use::Entry], &quota, now).unwrap();
        }
        let told = |account: &mut Account, uses: &[Use]| account.take(uses, &quota, now).unwrap_err().to_string();
        assert_eq!(
            told(&mut eve, &[Use::Entry]),
            "limit exceeded: entries of one user; the limit is 5 a second; retry in 201 ms"
        );
        assert_eq!(eve.take_entry(&quota, now), Err(Duration::from_millis(200)));
        assert_eq!(eve.take_entry(&quota, now + Duration::from_millis(200)), Ok(()));
        eve.take(&[Use::Session], &quota, now).unwrap();
        assert!(
            told(&mut eve, &[Use::Session])
                .contains("sessions opened of one user; the limit is 1 an hour; retry in 3600001 ms")
        );
        assert_eq!(
            told(&mut eve, &[Use::Room, Use::People(11)]),
            "limit exceeded: people added of one user; the limit is 10 an hour",
            "never so many: no wait is told"
        );
        eve.connect(&quota).unwrap();
        eve.connect(&quota).unwrap();
        let full = eve.connect(&quota).unwrap_err().to_string();
        assert_eq!(full, "limit exceeded: connections of one user; the limit is 2 on one instance");
        eve.disconnect();
        assert!(eve.connect(&quota).is_ok());
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let (mut eve, now, quota) = (Account::default(), Instant::now(), quota());
        eve.take(&[Use::Room, Use::People(8)], &quota, now).unwrap();
        for _ in 0..5 {
            assert!(eve.take(&[Use::Room, Use::People(3)], &quota, now).is_err());
        }
        eve.take(&[Use::Room, Use::People(2)], &quota, now).unwrap();
        eve.take(&[Use::Room, Use::People(0)], &quota, now).unwrap();
        assert!(eve.take(&[Use::Room], &quota, now).is_err());
    }

    #[test]
    fn an_account_is_idle_once_it_is_as_new() {
        let (mut eve, now, quota) = (Account::default(), Instant::now(), quota());
        assert!(eve.is_idle(now));
        eve.connect(&quota).unwrap();
        assert!(!eve.is_idle(now + HOUR));
        eve.disconnect();
        eve.take(&[Use::Room], &quota, now).unwrap();
        assert!(!eve.is_idle(now + HOUR / 4) && eve.is_idle(now + HOUR / 3));
        assert!(Quota::default().user.entries_per_second.get() > 1, "there are defaults");
    }
}
