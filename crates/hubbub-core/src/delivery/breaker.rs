//! When a portal that fails as a whole is left alone by this instance, and when it is asked again.

use crate::{limits, model::backoff::Backoff};
use std::time::{Duration, Instant};

/// As long as a POST, and what is written before and after it, may take.
const PROBE_WITHIN: Duration = limits::DELIVERY_LEASE;

/// Closed: all may call. Open: nobody may, for a while. Half-open: one may, and what comes of that decides.
#[derive(Debug, Clone)]
pub struct Breaker {
    at: At,
    waits: Backoff,
}

#[derive(Debug, Clone)]
enum At {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// Until when the one that may call has to come back; `None`: nobody has it.
    HalfOpen {
        out: Option<Instant>,
    },
}

/// How many may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// As many as there are.
    All,
    /// One, and it is now handed out: it ends by [`Breaker::succeeded`], [`Breaker::failed`] or [`Breaker::given_back`].
    One,
    /// Nobody.
    None {
        /// When to ask again at the latest.
        until: Instant,
    },
}

/// How a breaker stands, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All may call.
    Closed,
    /// Nobody may call.
    Open,
    /// One may call.
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
        Self { at: At::Closed { failures: 0 }, waits: Backoff::new(limits::BREAKER_FIRST, limits::BREAKER_MAX) }
    }
}

impl Breaker {
    /// How many may call now.
    pub fn may(&mut self, now: Instant) -> Permit {
        match self.at {
            At::Closed { .. } => Permit::All,
            At::Open { until } | At::HalfOpen { out: Some(until) } if now < until => Permit::None { until },
            At::Open { .. } | At::HalfOpen { .. } => {
                // Whoever has it and is gone by then is not waited for.
                self.at = At::HalfOpen { out: Some(now + PROBE_WITHIN) };
                Permit::One
            }
        }
    }

    /// The portal took something.
    pub const fn succeeded(&mut self) {
        self.at = At::Closed { failures: 0 };
        self.waits.reset();
    }

    /// The portal failed. Failures of calls that were under way when it opened change nothing. `chance` is 0.0 to 1.0.
    pub fn failed(&mut self, now: Instant, chance: f64) {
        let opens = match &mut self.at {
            At::Closed { failures } => {
                *failures += 1;
                *failures >= limits::BREAKER_FAILURES
            }
            At::Open { .. } => false,
            At::HalfOpen { out } => out.is_some(),
        };
        if opens {
            self.at = At::Open { until: now + self.waits.next(chance) };
        }
    }

    /// The one that might call had nothing to say.
    pub const fn given_back(&mut self) {
        if let At::HalfOpen { out } = &mut self.at {
            *out = None;
        }
    }

    /// Whether all may call.
    pub const fn is_closed(&self) -> bool {
        matches!(self.at, At::Closed { .. })
    }

    /// How it stands.
    pub const fn state(&self) -> BreakerState {
        match self.at {
            At::Closed { .. } => BreakerState::Closed,
            At::Open { .. } => BreakerState::Open,
            At::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn fails(breaker: &mut Breaker, now: Instant) {
        for _ in 0..limits::BREAKER_FAILURES {
            breaker.failed(now, 0.0);
        }
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        fails(&mut breaker, now);
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for n in 1..=20 {
            breaker.failed(now, 0.0);
            assert_eq!(breaker.may(now), Permit::All, "{n}");
            if n % 4 == 0 {
                breaker.succeeded();
            }
        }
        for _ in 0..limits::BREAKER_FAILURES {
            assert!(breaker.is_closed());
            breaker.failed(now, 0.0);
        }
        assert_eq!(breaker.state().word(), "open");
        assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FIRST });
    }

    #[test]
    fn then_one_goes_through_and_decides() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        now += limits::BREAKER_FIRST - MS;
        assert!(matches!(breaker.may(now), Permit::None { .. }));
        now += MS;
        assert_eq!(breaker.may(now), Permit::One);
        assert_eq!(breaker.state().word(), "half_open");
        assert!(matches!(breaker.may(now), Permit::None { .. }), "a second one waits");
        breaker.given_back();
        breaker.failed(now, 0.0);
        assert_eq!(breaker.may(now), Permit::One, "it was not used");
        breaker.succeeded();
        assert_eq!((breaker.may(now), breaker.state().word()), (Permit::All, "closed"));
        breaker.failed(now, 0.0);
        assert_eq!(breaker.may(now), Permit::All, "it counts from the beginning");
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let Permit::None { until } = breaker.may(now) else { panic!("it is open") };
            waits.push((until - now).as_secs());
            // They were under way when it opened.
            fails(&mut breaker, now + MS);
            assert_eq!(breaker.may(now), Permit::None { until });
            now = until;
            assert_eq!(breaker.may(now), Permit::One);
            breaker.failed(now, 0.0);
        }
        assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10]);
        breaker.succeeded();
        fails(&mut breaker, now);
        assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FIRST });
    }

    #[test]
    fn one_that_never_comes_back_is_not_waited_for_for_ever() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + limits::BREAKER_FIRST;
        assert_eq!(breaker.may(later), Permit::One);
        assert_eq!(breaker.may(later + PROBE_WITHIN - MS), Permit::None { until: later + PROBE_WITHIN });
        assert_eq!(breaker.may(later + PROBE_WITHIN), Permit::One);
    }

    #[test]
    fn chance_shortens_a_wait() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..limits::BREAKER_FAILURES {
            breaker.failed(now, 1.0);
        }
        assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FIRST / 2 });
    }
}
