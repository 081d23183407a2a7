//! How fast somebody may do something: a token bucket in its shortest form, the generic cell rate algorithm (GCRA).
//!
//! All it keeps is the time at which the bucket will be full again.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// How much of something is allowed: so many at once, and as many again over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many at once.
    pub most: NonZeroU32,
    /// All of them come again within this.
    pub over: Duration,
}

/// See the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    full_at: Option<Instant>,
}

impl Rate {
    /// Takes one of `per_second`, of which a second's worth may come at once, or says how long until there is one.
    pub fn take(&mut self, per_second: NonZeroU32, now: Instant) -> Result<(), Duration> {
        self.take_many(1, per_second, now)
    }

    /// Takes `n` of `per_second`, or says how long until there are so many; more than a second's worth there never are.
    pub fn take_many(&mut self, n: u32, per_second: NonZeroU32, now: Instant) -> Result<(), Duration> {
        self.take_of(n, Allowance { most: per_second, over: Duration::from_secs(1) }, now)
    }

    /// Takes `n` of what is allowed, or says how long until there are so many; more than are allowed at once there never are.
    pub fn take_of(&mut self, n: u32, allowed: Allowance, now: Instant) -> Result<(), Duration> {
        let every = allowed.over / allowed.most.get() * n;
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        // What is missing from a full bucket, in time, must leave room for one more.
        let room_at = full_at + every;
        let wait = room_at.saturating_duration_since(now).saturating_sub(allowed.over);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = Some(room_at);
        Ok(())
    }

    /// Takes one of what is allowed in any case, and says how long to wait with it. Who waits before asking for another is never far ahead.
    pub fn reserve(&mut self, allowed: Allowance, now: Instant) -> Duration {
        let room_at = self.full_at.map_or(now, |at| at.max(now)) + allowed.over / allowed.most.get();
        self.full_at = Some(room_at);
        room_at.saturating_duration_since(now).saturating_sub(allowed.over)
    }

    /// Books `n` of `per_second`, also more than a second's worth, and says how long to wait for them. `None`: longer than
    /// `patience`, and nothing is booked. What is booked later is waited for longer, so that an order is kept.
    pub fn book(&mut self, n: u32, per_second: NonZeroU32, patience: Duration, now: Instant) -> Option<Duration> {
        let every = Duration::from_secs(1) / per_second.get() * n;
        let room_at = self.full_at.map_or(now, |at| at.max(now)) + every;
        let wait = room_at.saturating_duration_since(now).saturating_sub(Duration::from_secs(1));
        (wait <= patience).then(|| {
            self.full_at = Some(room_at);
            wait
        })
    }

    /// Whether the bucket is full, as that of somebody new.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_seconds_worth_may_come_at_once_and_then_one_by_one() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(rate.take(TEN, now), Ok(()));
        }
        assert_eq!(rate.take(TEN, now), Err(100 * MS));
        assert_eq!(rate.take(TEN, now + 40 * MS), Err(60 * MS), "being refused costs nothing");
        assert_eq!(rate.take(TEN, now + 100 * MS), Ok(()));
        assert_eq!(rate.take(TEN, now + 100 * MS), Err(100 * MS));
        let rested = now + Duration::from_secs(3_600);
        let taken = (0..100).filter(|_| rate.take(TEN, rested).is_ok()).count();
        assert_eq!(taken, 10, "an hour of silence saves a second's worth, no more");
    }

    #[test]
    fn over_any_time_no_more_than_the_rate_and_a_seconds_worth_come_through() {
        for per_second in [1, 3, 7, 1_000, 10_000] {
            let (mut rate, now) = (Rate::default(), Instant::now());
            let per_second = NonZeroU32::new(per_second).unwrap();
            let taken = (0..50_000).filter(|n| rate.take(per_second, now + *n * MS / 10).is_ok()).count() as u32;
            // Five seconds of asking ten times in each millisecond; an odd interval is cut off to nanoseconds.
            let most = (6 * per_second.get() + 1).min(50_000);
            assert!((most - 2..=most).contains(&taken), "{per_second}: {taken}");
        }
    }

    #[test]
    fn many_at_once_cost_as_much_as_one_by_one() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        assert!(rate.is_full(now));
        assert_eq!(rate.take_many(7, TEN, now), Ok(()));
        assert_eq!(rate.take_many(4, TEN, now), Err(100 * MS));
        assert_eq!(rate.take_many(3, TEN, now), Ok(()));
        assert_eq!(rate.take(TEN, now), Err(100 * MS));
        assert!(!rate.is_full(now + 999 * MS) && rate.is_full(now + 1_000 * MS));
    }

    #[test]
    fn an_allowance_may_come_at_once_and_comes_again_over_its_time() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let allowed = Allowance { most: NonZeroU32::new(60).unwrap(), over: Duration::from_secs(3_600) };
        assert_eq!(rate.take_of(60, allowed, now), Ok(()));
        let minute = Duration::from_secs(60);
        assert_eq!(rate.take_of(1, allowed, now), Err(minute));
        assert_eq!(rate.take_of(3, allowed, now + minute), Err(2 * minute));
        assert_eq!(rate.take_of(1, allowed, now + minute), Ok(()));
        assert!(rate.take_of(60, allowed, now + 60 * minute).is_err() && rate.is_full(now + 61 * minute));
    }

    #[test]
    fn those_who_wait_come_one_after_another() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let allowed = Allowance { most: TEN, over: Duration::from_secs(1) };
        let waits: Vec<_> = (0..14).map(|_| rate.reserve(allowed, now)).collect();
        assert!(waits[..10].iter().all(Duration::is_zero));
        assert_eq!(waits[10..], [100 * MS, 200 * MS, 300 * MS, 400 * MS]);
        assert_eq!(rate.reserve(allowed, now + 500 * MS), Duration::ZERO);
    }

    #[test]
    fn what_is_booked_is_waited_for_in_order() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let mut book = |n, now| rate.book(n, TEN, 2_000 * MS, now);
        assert_eq!(book(10, now), Some(Duration::ZERO));
        assert_eq!((book(3, now), book(1, now)), (Some(300 * MS), Some(400 * MS)));
        assert_eq!(book(25, now + 100 * MS), None, "too long");
        assert_eq!(book(15, now + 100 * MS), Some(1_800 * MS), "more than a second's worth");
        assert_eq!(book(1, now + 10_000 * MS), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_that_goes_back_and_a_rate_that_changes_do_no_harm() {
        let (mut rate, now) = (Rate::default(), Instant::now() + Duration::from_secs(60));
        for _ in 0..10 {
            rate.take(TEN, now).unwrap();
        }
        assert_eq!(rate.take(TEN, now - 10 * MS), Err(110 * MS));
        let one = NonZeroU32::new(1).unwrap();
        assert_eq!(rate.take(one, now), Err(Duration::from_secs(1)));
    }
}
