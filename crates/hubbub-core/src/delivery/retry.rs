//! What becomes of an attempt.
//!
//! The rule: an attempt counts against a message only if it is the message's first, or if the portal has taken something else
//! since the attempt before. So a portal that is down as a whole never kills a message: all wait, and what limits the attempts
//! meanwhile is the [`super::breaker`]. A message that a portal does not take while it takes others is given up on: with the
//! second refusal when it refuses the message itself, otherwise after as many waits as the [`Policy`] has, or when it has been
//! tried for long enough.

use super::stored_cursor::Delivery;
use crate::{limits, model::time::Timestamp};
use std::time::{Duration, UNIX_EPOCH};

/// Attempts that have counted before the time alone makes a message be given up on.
const COUNTED_AT_LEAST: u32 = 3;
/// How far a wait is varied by chance, so that many who failed together do not come back together.
const JITTER: f64 = 0.2;

/// How long and how often a message is tried while the portal takes others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy<'a> {
    /// The waits between attempts, in seconds. There is one attempt more than there are waits, and never less than two.
    pub waits: &'a [f64],
    /// How long it is tried at most, once three attempts have counted.
    pub give_up_after: Duration,
}

/// What came of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutcome<'a> {
    /// An answer.
    Status {
        /// Its status.
        code: u16,
        /// Its `Retry-After`.
        retry_after: Option<&'a str>,
    },
    /// None.
    NoAnswer {
        /// Why, for people.
        why: String,
    },
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostVerdict {
    /// The portal has it.
    Taken,
    /// 410: the portal wants no more webhooks at all.
    Gone,
    /// It has to be tried again.
    Failed {
        /// The portal says that the message is at fault (400, 406, 413, 415, 422).
        refused: bool,
        /// What went wrong, for people.
        why: String,
        /// The portal wants no further attempt before this.
        after: Option<Duration>,
    },
}

/// What is to be done about a message that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// It is tried again.
    Later {
        /// Attempts that count against it, this one included.
        counted: u32,
        /// When.
        again_in: Duration,
    },
    /// It becomes a dead letter.
    GiveUp {
        /// Why, for people.
        why: String,
    },
}

/// Reads a `Retry-After`: seconds, or a date in any of the three forms of HTTP (RFC 9110, 5.6.7). At most
/// [`limits::RETRY_AFTER_MAX`]; a date that has passed is now.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a long time, too.
        value.parse().map_or(limits::RETRY_AFTER_MAX, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        let now = UNIX_EPOCH + Duration::from_millis(now.0.max(0).unsigned_abs());
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(limits::RETRY_AFTER_MAX))
}

/// What this outcome means.
pub fn judge(outcome: &PostOutcome<'_>, now: Timestamp) -> PostVerdict {
    let (code, retry) = match outcome {
        PostOutcome::Status { code, retry_after } => (*code, *retry_after),
        PostOutcome::NoAnswer { why } => return PostVerdict::Failed { refused: false, why: why.clone(), after: None },
    };
    match code {
        200..=299 => PostVerdict::Taken,
        410 => PostVerdict::Gone,
        _ => PostVerdict::Failed {
            refused: matches!(code, 400 | 406 | 413 | 415 | 422),
            why: match code {
                300..=399 => format!("status {code}: redirects are not followed"),
                _ => format!("status {code}"),
            },
            after: retry.and_then(|value| retry_after(value, now)),
        },
    }
}

/// What is to be done after an attempt that failed: the one after those of `so_far`. `refused` and `after` are its verdict's,
/// `succeeded_at` is when the portal last took something of any session, `chance` is 0.0 to 1.0.
pub fn next(
    policy: Policy<'_>,
    so_far: &Delivery,
    refused: bool,
    after: Option<Duration>,
    succeeded_at: Option<Timestamp>,
    now: Timestamp,
    chance: f64,
) -> Next {
    let before = so_far.attempts.last();
    let takes_others = before.is_some_and(|before| succeeded_at.is_some_and(|at| at.0 > before.at));
    let counted = so_far.counted.saturating_add(u32::from(before.is_none() || takes_others));
    // Never at the first attempt: nobody knows yet whether the portal takes others.
    if takes_others {
        let give_up = |why: String| Next::GiveUp { why };
        if refused {
            return give_up("the portal refuses this message, and takes others".into());
        }
        if counted as usize > policy.waits.len() {
            return give_up(format!("{counted} attempts failed while the portal took others"));
        }
        let tried_for = so_far.since.map_or(0, |since| now.0.saturating_sub(since.0).max(0) / 1_000);
        if counted >= COUNTED_AT_LEAST && tried_for.unsigned_abs() >= policy.give_up_after.as_secs() {
            return give_up(format!("{counted} attempts in {tried_for} s failed while the portal took others"));
        }
    }
    let nth = (counted as usize).saturating_sub(1);
    let seconds = policy.waits.get(nth).or(policy.waits.last()).copied().unwrap_or(1.0);
    let factor = 1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
    let wait = Duration::try_from_secs_f64(seconds * factor).unwrap_or(Duration::from_secs(1));
    Next::Later { counted, again_in: wait.max(after.unwrap_or_default()) }
}

#[cfg(test)]
mod tests;
