//! What becomes of an attempt: taken, tried again, or given up on.
//!
//! An attempt counts against its message only if it is the first, or if the portal has taken something else since the attempt
//! before. So a portal that is down as a whole kills no message, however long it is down; a message that it refuses while it
//! takes others does not hold up its session for ever (`docs/decisions/0027-…`).

use super::{session::Delivery, settings::Settings};
use crate::{
    entry::Timestamp,
    limits::{PORTAL_WELL, RETRY_AFTER_MAX},
};
use std::time::Duration;

/// Attempts that must have counted before the age of a message ends it.
const COUNTED_AT_LEAST: u32 = 3;
/// How far a wait may be off, either way, so that many who failed together do not come back together.
const JITTER: f64 = 0.2;

/// What came back.
#[derive(Debug, Clone)]
pub enum Answer<'a> {
    /// An answer.
    Status {
        /// Its status.
        code: u16,
        /// Its `Retry-After`.
        retry_after: Option<&'a str>,
    },
    /// None.
    NoAnswer {
        /// Why, in words.
        why: String,
    },
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The portal has it.
    Taken,
    /// 410: the portal wants no more.
    Gone,
    /// It has not.
    Failed {
        /// The answer speaks of the message and not of the portal: it is no use to repeat it while the portal takes others.
        refused: bool,
        /// Why, in words.
        why: String,
        /// When the portal asks to be called again.
        after: Option<Duration>,
    },
}

/// What is done about a failure.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// It is tried again.
    Later {
        /// Attempts that count now.
        counted: u32,
        /// When.
        again_in: Duration,
    },
    /// It is given up on.
    GiveUp {
        /// Why, in words.
        why: String,
    },
}

/// What an answer means.
pub fn judge(answer: &Answer<'_>, now: Timestamp) -> Verdict {
    let (code, after) = match answer {
        Answer::NoAnswer { why } => return Verdict::Failed { refused: false, why: why.clone(), after: None },
        Answer::Status { code, retry_after } => (*code, retry_after.and_then(|value| self::retry_after(value, now))),
    };
    let why = match code {
        200..=299 => return Verdict::Taken,
        410 => return Verdict::Gone,
        300..=399 => format!("{code}: redirects are not followed"),
        _ => code.to_string(),
    };
    Verdict::Failed { refused: matches!(code, 400 | 406 | 413 | 415 | 422), why, after }
}

/// Reads a `Retry-After`: seconds, or a date (RFC 9110); at most [`RETRY_AFTER_MAX`]. `None`: neither.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_millisecond();
            Duration::from_millis(u64::try_from(at.saturating_sub(now.0)).unwrap_or(0))
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// What is done about an attempt at `now` that failed. `so_far` is what came of those before it, `succeeded_at` when the portal
/// last took something; `chance` is thrown by the caller (0.0 to 1.0).
pub fn next(
    settings: &Settings,
    so_far: &Delivery,
    refused: bool,
    after: Option<Duration>,
    succeeded_at: Option<Timestamp>,
    now: Timestamp,
    chance: f64,
) -> Next {
    let last = so_far.attempts.last().map(|attempt| Timestamp(attempt.at));
    let takes_others = match last {
        Some(last) => succeeded_at > Some(last),
        None => succeeded_at.is_some_and(|at| age(at, now) <= PORTAL_WELL),
    };
    let counts = last.is_none() || takes_others;
    let counted = so_far.counted.saturating_add(u32::from(counts)).max(1);
    if refused && takes_others {
        return Next::GiveUp { why: "the portal refused this message and takes others".into() };
    }
    if counts && counted as usize > settings.retry_seconds.len() {
        return Next::GiveUp { why: format!("{counted} attempts failed while the portal took others") };
    }
    let tried_for = so_far.since.map_or(Duration::ZERO, |since| age(since, now));
    if counts && counted >= COUNTED_AT_LEAST && tried_for >= Duration::from_secs(settings.give_up_seconds) {
        return Next::GiveUp { why: format!("tried for {} s while the portal took others", tried_for.as_secs()) };
    }
    let step = settings.retry_seconds.get(counted as usize - 1).or(settings.retry_seconds.last());
    let wait = step.copied().unwrap_or(1.0) * (1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0));
    let wait = Duration::try_from_secs_f64(wait).unwrap_or(RETRY_AFTER_MAX);
    Next::Later { counted, again_in: wait.max(after.unwrap_or_default()).min(RETRY_AFTER_MAX) }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(now.0.saturating_sub(since.0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::session::Attempt;

    const NOW: Timestamp = Timestamp(1_769_851_800_000);

    fn failed(answer: &Answer<'_>) -> (bool, String, Option<Duration>) {
        match judge(answer, NOW) {
            Verdict::Failed { refused, why, after } => (refused, why, after),
            other => panic!("{other:?}"),
        }
    }

    fn status(code: u16) -> Answer<'static> {
        Answer::Status { code, retry_after: None }
    }

    #[test]
    fn only_2xx_is_taken() {
        for code in [200, 202, 204] {
            assert_eq!(judge(&status(code), NOW), Verdict::Taken);
        }
        assert_eq!(judge(&status(410), NOW), Verdict::Gone);
        for (code, refused) in [(301, false), (400, true), (401, false), (404, false), (422, true), (429, false), (503, false)] {
            assert_eq!(failed(&status(code)).0, refused, "{code}");
        }
        assert!(failed(&status(307)).1.contains("redirects are not followed"));
        assert_eq!(failed(&Answer::NoAnswer { why: "hung up".into() }).1, "hung up");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_a_limit() {
        let seconds = |value| retry_after(value, NOW).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("99999999"), Some(86_400));
        assert_eq!(seconds("Sat, 31 Jan 2026 09:31:00 GMT"), Some(60));
        assert_eq!(seconds("Sat, 31 Jan 2026 09:00:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        let answer = Answer::Status { code: 429, retry_after: Some("7") };
        assert_eq!(failed(&answer).2, Some(Duration::from_secs(7)));
    }

    /// A message that fails at each of these seconds; the portal takes something else where it says so, just before.
    fn story(settings: &Settings, attempts: &[(i64, bool)], refused: bool) -> Vec<Next> {
        let mut delivery = Delivery::default();
        let mut succeeded_at = None;
        attempts
            .iter()
            .map(|&(at, others)| {
                let now = Timestamp(at * 1_000);
                if others {
                    succeeded_at = Some(Timestamp(now.0 - 1));
                }
                let next = next(settings, &delivery, refused, None, succeeded_at, now, 0.5);
                if let Next::Later { counted, .. } = next {
                    delivery.counted = counted;
                    delivery.since = delivery.since.or(Some(now));
                    let instance = String::new();
                    delivery.attempts.push(Attempt { at: now.0, took: 1, status: None, error: None, instance });
                }
                next
            })
            .collect()
    }

    fn waits(story: &[Next]) -> Vec<u64> {
        let waits = story.iter().map(|next| match next {
            Next::Later { again_in, .. } => again_in.as_secs(),
            Next::GiveUp { .. } => 0,
        });
        waits.collect()
    }

    #[test]
    fn the_sixth_attempt_that_counts_is_the_last() {
        let times = [(0, true), (1, true), (6, true), (21, true), (81, true), (381, true)];
        assert_eq!(waits(&story(&Settings::default(), &times, false)), [1, 5, 15, 60, 300, 0]);
    }

    #[test]
    fn a_portal_that_is_down_kills_no_message() {
        let times: Vec<_> = (0..5_000).map(|n| (n * 30, false)).collect();
        assert!(waits(&story(&Settings::default(), &times, false)).iter().all(|wait| *wait == 1));
        assert!(waits(&story(&Settings::default(), &times, true)).iter().all(|wait| *wait == 1));
        // When it is back, a failure or two are no death.
        let back: Vec<_> = times.into_iter().chain([(150_001, true), (150_007, true)]).collect();
        assert!(!story(&Settings::default(), &back, false).iter().any(|next| matches!(next, Next::GiveUp { .. })));
    }

    #[test]
    fn age_ends_it_once_three_have_counted() {
        let slow = Settings { retry_seconds: vec![400.0; 9], ..Settings::default() };
        assert_eq!(waits(&story(&slow, &[(0, true), (400, true), (800, true)], false)), [400, 400, 0]);
    }

    #[test]
    fn what_the_portal_refuses_is_given_up_on_as_soon_as_it_takes_others() {
        assert_eq!(waits(&story(&Settings::default(), &[(100, true)], true)), [0]);
        assert_eq!(waits(&story(&Settings::default(), &[(0, false), (1, false), (2, true)], true)), [1, 1, 0]);
    }

    #[test]
    fn retry_after_is_never_cut_short() {
        let next = next(&Settings::default(), &Delivery::default(), false, Some(Duration::from_secs(90)), None, NOW, 0.0);
        assert_eq!(next, Next::Later { counted: 1, again_in: Duration::from_secs(90) });
    }
}
