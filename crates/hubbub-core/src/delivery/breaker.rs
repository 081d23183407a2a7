//! When a portal that fails as a whole is left alone by this instance, and when it is asked again.
//!
//! What opens it are answers in a row with nothing taken in between, of two kinds. *Down* and *throttled*: the portal does not
//! work. *Credentials*, *refused* and *gone*: it works, and refuses everything. While it is open, those whose message has failed
//! wait for a probe, and a message that has not failed yet is a probe that need not wait as long: one customer's failures must
//! not delay another for whom the portal works. Where everything is refused, what has not failed yet does not wait at all.

use super::retry::{Class, PostVerdict};
use crate::{limits, model::backoff::Backoff};
use std::time::{Duration, Instant};

/// As long as a POST, and what is written before and after it, may take.
const PROBE_WITHIN: Duration = limits::DELIVERY_LEASE;

/// Closed: all may call. Open: nobody may, for a while. Half-open: one may, and what comes of that decides.
#[derive(Debug, Clone)]
pub struct Breaker {
    at: At,
    waits: Backoff,
    fresh_waits: Backoff,
    /// Answers that say that it does not work, in a row.
    down: u32,
    /// Answers that refuse, in a row.
    held: u32,
    /// Those of them that say that it does not know us.
    unknown: u32,
    taken: Option<Instant>,
}

#[derive(Debug, Clone)]
enum At {
    Closed,
    Open {
        why: Class,
        /// Who has failed waits until then,
        until: Instant,
        /// and who has not until then.
        fresh_at: Instant,
        /// Somebody may call; `None`: nobody.
        out: Option<Out>,
    },
}

/// A permit that is handed out.
#[derive(Debug, Clone, Copy)]
struct Out {
    /// Until when it has to come back.
    back: Instant,
    /// From then on it is not waited for: a message that has not failed yet is a probe beside it.
    beside: Instant,
    /// The same of the one that this is beside.
    before: Option<(Instant, Instant)>,
}

impl Out {
    fn at(now: Instant) -> Option<Self> {
        Some(Self { back: now + PROBE_WITHIN, beside: now + limits::BREAKER_FRESH_MAX, before: None })
    }
}

/// How many may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// As many as there are.
    All,
    /// As many as there are of those that have not failed; and one that has failed, if so. It is then handed out as with
    /// [`One`](Self::One).
    Fresh {
        /// See there.
        and_one: bool,
    },
    /// One, and it is now handed out: it ends by [`Breaker::answered`] or [`Breaker::given_back`].
    One {
        /// Only one that has not failed yet.
        fresh: bool,
    },
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
        Self {
            at: At::Closed,
            waits: Backoff::new(limits::BREAKER_FIRST, limits::BREAKER_MAX),
            fresh_waits: Backoff::new(limits::BREAKER_FRESH, limits::BREAKER_FRESH_MAX),
            down: 0,
            held: 0,
            unknown: 0,
            taken: None,
        }
    }
}

impl Breaker {
    /// How many may call now.
    pub fn may(&mut self, now: Instant) -> Permit {
        let At::Open { why, until, fresh_at, out } = &mut self.at else { return Permit::All };
        // Whoever has it and is gone by then is not waited for.
        let is_out = out.filter(|out| now < out.back);
        match (*why, is_out) {
            (Class::Refused, is_out) => {
                let and_one = is_out.is_none() && now >= *until;
                if and_one {
                    *out = Out::at(now);
                }
                Permit::Fresh { and_one }
            }
            // What makes the portal hang may be the probe's own affair.
            (_, Some(Out { back, beside, .. })) if now >= beside => {
                *out = Out::at(now).map(|out| Out { before: Some((back, beside)), ..out });
                Permit::One { fresh: true }
            }
            (_, Some(Out { beside, .. })) => Permit::None { until: beside },
            _ if now >= *until => {
                *out = Out::at(now);
                Permit::One { fresh: false }
            }
            _ if now >= *fresh_at => {
                *out = Out::at(now);
                Permit::One { fresh: true }
            }
            _ => Permit::None { until: (*until).min(*fresh_at) },
        }
    }

    /// A call was answered, or was not. `known`: that of a message that has failed again and again while the portal took others,
    /// which says nothing of the portal. `chance` is 0.0 to 1.0.
    pub fn answered(&mut self, verdict: &PostVerdict, known: bool, now: Instant, chance: f64) {
        match verdict.class {
            Class::Taken => {
                *self = Self { taken: Some(now), ..Self::default() };
                return;
            }
            _ if known && self.is_closed() => return,
            Class::Down | Class::Throttled => self.down += 1,
            Class::Credentials => (self.down, self.held, self.unknown) = (0, self.held + 1, self.unknown + 1),
            Class::Refused | Class::Gone => (self.down, self.held) = (0, self.held + 1),
        }
        let in_grace = self.taken.is_some_and(|taken| now < taken + limits::BREAKER_GRACE);
        let many = self.down.max(self.held) >= limits::BREAKER_FAILURES || self.unknown >= limits::BREAKER_CREDENTIALS;
        let opens = match &self.at {
            At::Closed => many && !in_grace,
            // Failures of calls that were under way when it opened change nothing.
            At::Open { out, .. } => out.is_some(),
        };
        if opens {
            let class = match verdict.class {
                Class::Gone => Class::Refused,
                class => class,
            };
            // A portal that throttles may say until when. It says so of one of its conversations, perhaps.
            let asked = verdict.after.filter(|_| class == Class::Throttled).unwrap_or_default();
            let until = now + self.waits.next(chance).max(asked.min(limits::BREAKER_MAX));
            let fresh_at = now + self.fresh_waits.next(chance).max(asked.min(limits::BREAKER_FRESH_MAX));
            self.at = At::Open { why: class, until, fresh_at, out: None };
        }
    }

    /// The one that might call had nothing to say.
    pub const fn given_back(&mut self) {
        if let At::Open { out, .. } = &mut self.at {
            *out = match *out {
                Some(Out { before: Some((back, beside)), .. }) => Some(Out { back, beside, before: None }),
                _ => None,
            };
        }
    }

    /// Whether all may call.
    pub const fn is_closed(&self) -> bool {
        matches!(self.at, At::Closed)
    }

    /// What is the matter with the portal as a whole: it is left alone, or does not know us and has taken nothing since.
    pub const fn trouble(&self) -> Option<Class> {
        match self.at {
            _ if self.unknown > 0 => Some(Class::Credentials),
            At::Open { why, .. } => Some(why),
            At::Closed => None,
        }
    }

    /// Whether what is about to be sent is to wait after all.
    pub const fn stops(&self) -> bool {
        matches!(self.at, At::Open { why, out: None, .. } if !matches!(why, Class::Refused))
    }

    /// How it stands.
    pub const fn state(&self) -> BreakerState {
        match self.at {
            At::Closed => BreakerState::Closed,
            At::Open { out: None, .. } => BreakerState::Open,
            At::Open { out: Some(_), .. } => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests;
