//! When an instance leaves a portal alone: after some failures in a row; then one POST goes through at a time.
//!
//! It bounds how often a portal that fails is called and decides nothing about messages.

use crate::{
    backoff::Backoff,
    limits::{BREAKER_FAILURES, BREAKER_FIRST, BREAKER_MAX},
};
use std::time::Instant;

/// See the module.
#[derive(Debug, Clone)]
pub struct Breaker {
    failures: u32,
    /// Since it opened: when a probe may go through; `None` while one is out.
    open: Option<Option<Instant>>,
    backoff: Backoff,
}

/// How many POSTs may go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// As many as there is room for.
    All,
    /// One, which now is out: what came of it must be said.
    One,
    /// None, until then; without a time: until the one that is out has come back.
    None {
        /// When to ask again.
        until: Option<Instant>,
    },
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// POSTs go through.
    Closed,
    /// None does.
    Open,
    /// One is out to see.
    HalfOpen,
}

impl BreakerState {
    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 0, open: None, backoff: Backoff::new(BREAKER_FIRST, BREAKER_MAX) }
    }
}

impl Breaker {
    /// Asks how many POSTs may go through now.
    pub fn may(&mut self, now: Instant) -> Permit {
        match self.open {
            None => Permit::All,
            Some(Some(until)) if now >= until => {
                self.open = Some(None);
                Permit::One
            }
            Some(until) => Permit::None { until },
        }
    }

    /// A POST succeeded.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.open = None;
        self.backoff.reset();
    }

    /// A POST failed; `chance` is thrown by the caller (0.0 to 1.0).
    pub fn failed(&mut self, now: Instant, chance: f64) {
        self.failures = self.failures.saturating_add(1);
        // Of those that were under way when it opened only the first says something new.
        let is_news = match self.open {
            None => self.failures >= BREAKER_FAILURES,
            Some(until) => until.is_none(),
        };
        if is_news {
            self.open = Some(Some(now + self.backoff.next(chance)));
        }
    }

    /// The one POST that might have gone through was not made: there was nothing to send.
    pub fn given_back(&mut self, now: Instant) {
        if self.open == Some(None) {
            self.open = Some(Some(now));
        }
    }

    /// Whether POSTs go through.
    pub const fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// Where it stands.
    pub const fn state(&self) -> BreakerState {
        match self.open {
            None => BreakerState::Closed,
            Some(Some(_)) => BreakerState::Open,
            Some(None) => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_FAILURES {
            assert_eq!(breaker.may(now), Permit::All);
            breaker.failed(now, 0.0);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_with_a_success() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(now, 0.0);
            breaker.succeeded();
        }
        assert!(breaker.is_closed(), "not in a row");
        let mut breaker = opened(now);
        let until = Some(now + BREAKER_FIRST);
        assert_eq!(breaker.may(now), Permit::None { until });
        assert_eq!(breaker.may(now + BREAKER_FIRST), Permit::One);
        assert_eq!(breaker.may(now + BREAKER_FIRST), Permit::None { until: None }, "one is out");
        breaker.succeeded();
        assert_eq!(breaker.may(now + BREAKER_FIRST), Permit::All);
        assert_eq!(breaker.state().word(), "closed");
    }

    #[test]
    fn each_probe_that_fails_doubles_the_wait_up_to_the_most() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let Permit::None { until: Some(until) } = breaker.may(now) else { panic!("{breaker:?}") };
            waits.push((until - now).as_secs());
            now = until;
            assert_eq!(breaker.may(now), Permit::One);
            breaker.failed(now, 0.0);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn failures_under_way_when_it_opens_do_not_lengthen_the_wait() {
        let now = Instant::now();
        let mut breaker = opened(now);
        for _ in 0..20 {
            breaker.failed(now + Duration::from_millis(1), 0.0);
        }
        assert_eq!(breaker.may(now), Permit::None { until: Some(now + BREAKER_FIRST) });
    }

    #[test]
    fn a_probe_that_had_nothing_to_send_is_still_to_be_had() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + BREAKER_FIRST;
        assert_eq!(breaker.may(later), Permit::One);
        breaker.given_back(later);
        assert_eq!(breaker.may(later), Permit::One);
    }
}
