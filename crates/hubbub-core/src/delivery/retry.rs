//! What becomes of an attempt.
//!
//! What came of it has a [`Class`], by the answer's status and body. The breaker is fed by *down* and *throttled*; *credentials*
//! hold the portal as a whole and count against nothing; *refused* concerns the message.
//!
//! The rule: an attempt counts against a message only if it is the message's first, or if the portal has taken something else
//! since the attempt before. So a portal that is down as a whole never kills a message: all wait, and what limits the attempts
//! meanwhile is the [`super::breaker`]. A message that a portal does not take while it takes others is given up on: with the
//! second refusal when it refuses the message itself, otherwise after as many waits as the [`Policy`] has, or when it has been
//! tried for long enough.

use super::{attempt::Attempt, stored_cursor::Delivery};
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
    /// Refusals in a row after which it is given up on although the portal has taken nothing else; `None`: never.
    pub give_up_alone: Option<u32>,
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

/// What kind of thing an attempt met. Only [`Down`](Self::Down) and [`Throttled`](Self::Throttled) say that the portal is to be
/// left alone; only [`Refused`](Self::Refused) and [`Down`](Self::Down) count against a message, and only while others are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The portal has it.
    Taken,
    /// The portal does not work: no connection, no answer in time, 5xx, a redirect.
    Down,
    /// The portal wants fewer requests: 408, 425, 429.
    Throttled,
    /// The portal does not know us, or is configured wrongly: 401, 403, 407, a grant that failed.
    Credentials,
    /// The portal refuses what was sent: every other 4xx.
    Refused,
    /// 410: the portal wants no more of this, be it of one session or at all.
    Gone,
}

impl Class {
    /// The word for it in metrics and over REST.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Down => "down",
            Self::Throttled => "throttled",
            Self::Credentials => "credentials",
            Self::Refused => "refused",
            Self::Gone => "gone",
        }
    }

    /// Reads the word; `None`: of a newer version.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Taken, Self::Down, Self::Throttled, Self::Credentials, Self::Refused, Self::Gone]
            .into_iter()
            .find(|class| class.word() == word)
    }

    /// What a status alone says.
    pub const fn of_status(code: u16) -> Self {
        match code {
            200..=299 => Self::Taken,
            401 | 403 | 407 => Self::Credentials,
            408 | 425 | 429 => Self::Throttled,
            410 => Self::Gone,
            400..=499 => Self::Refused,
            _ => Self::Down,
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostVerdict {
    /// What kind of thing it is.
    pub class: Class,
    /// The answer says that this very message is at fault, so that it would be refused again: 400, 406, 411, 413, 414, 415, 422,
    /// 431, or what the body says. Other refusals (404, 409, …) may pass.
    pub sure: bool,
    /// What went wrong, for people; empty where it was taken.
    pub why: String,
    /// The portal wants no further attempt before this.
    pub after: Option<Duration>,
}

impl PostVerdict {
    /// The portal has it.
    pub const TAKEN: Self = Self { class: Class::Taken, sure: false, why: String::new(), after: None };

    /// It was not taken, for a reason that no answer told.
    pub const fn failed(class: Class, why: String) -> Self {
        Self { class, sure: matches!(class, Class::Refused), why, after: None }
    }

    /// Whether the portal has it.
    pub fn is_taken(&self) -> bool {
        self.class == Class::Taken
    }
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

/// How often in a row it was refused before, since it is tried.
fn refusals(so_far: &Delivery) -> usize {
    let since = |attempt: &&Attempt| so_far.since.is_some_and(|since| attempt.at >= since.0);
    let is_refusal = |attempt: &&Attempt| attempt.class() == Some(Class::Refused);
    so_far.attempts.iter().rev().take_while(since).take_while(is_refusal).count()
}

/// What a 410 says of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Nothing yet: it may be one session's.
    OfSession,
    /// It is gone, if the session is the only one it has.
    OfOnlySession,
    /// It is gone as a whole.
    OfPortal,
}

/// Whether a portal is gone as a whole. Since it last took something, of whichever instance, so many sessions of so many customers
/// met a 410 here, the first of them so long ago; it has taken something of `served` customers before. `again`: this session met
/// one before.
///
/// The rule: a 410 is its session's own affair. It is the portal's where nothing else is taken: for ten seconds at least, by two
/// sessions, and by half of the customers who were served before. A portal that has one session only is gone with its second 410.
/// An instance that has seen it serve nobody, because it is young, compares with how many sessions there are.
pub fn gone(sessions: usize, customers: usize, served: usize, first: Duration, again: bool) -> Gone {
    if sessions >= 2 && first >= limits::GONE_FOR && 2 * customers >= served {
        Gone::OfPortal
    } else if again && sessions == 1 {
        Gone::OfOnlySession
    } else {
        Gone::OfSession
    }
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

/// What this outcome means. `said` is what the answer's body says, which is heard rather than its status.
pub fn judge(outcome: &PostOutcome<'_>, said: Option<Class>, now: Timestamp) -> PostVerdict {
    let (code, retry) = match outcome {
        PostOutcome::Status { code, retry_after } => (*code, *retry_after),
        PostOutcome::NoAnswer { why } => return PostVerdict::failed(Class::Down, why.clone()),
    };
    let class = said.unwrap_or_else(|| Class::of_status(code));
    if class == Class::Taken {
        return PostVerdict::TAKEN;
    }
    PostVerdict {
        class,
        sure: match said {
            Some(said) => said == Class::Refused,
            None => matches!(code, 400 | 406 | 411 | 413 | 414 | 415 | 422 | 431),
        },
        why: match (said, code) {
            (Some(said), _) if said != Class::of_status(code) => {
                format!("status {code}, and its body says {}", said.word())
            }
            (_, 300..=399) => format!("status {code}: redirects are not followed"),
            (_, 410) => "410: the portal wants no more".into(),
            _ => format!("status {code}"),
        },
        after: retry.and_then(|value| retry_after(value, now)),
    }
}

/// What is to be done after an attempt that failed: the one after those of `so_far`. `succeeded_at` is when the portal last took
/// something of any session, `chance` is 0.0 to 1.0.
pub fn next(
    policy: Policy<'_>,
    so_far: &Delivery,
    verdict: &PostVerdict,
    succeeded_at: Option<Timestamp>,
    now: Timestamp,
    chance: f64,
) -> Next {
    // An operator who had it tried anew has its earlier attempts forgiven.
    let before = so_far.since.and(so_far.attempts.last());
    let takes_others = before.is_some_and(|before| succeeded_at.is_some_and(|at| at.0 > before.at));
    let may_count = matches!(verdict.class, Class::Down | Class::Refused);
    let counted = so_far.counted.saturating_add(u32::from(may_count && (before.is_none() || takes_others)));
    let tried_for = so_far.since.map_or(0, |since| now.0.saturating_sub(since.0).max(0) / 1_000).unsigned_abs();
    let give_up = |why: String| Next::GiveUp { why };
    // Never at the first attempt: nobody knows yet whether the portal takes others.
    if takes_others {
        match verdict.class {
            Class::Refused if verdict.sure => {
                return give_up("the portal refuses this message, and takes others".into());
            }
            Class::Gone => return give_up("the portal wants no more of this session (410), and takes others".into()),
            Class::Throttled if tried_for >= limits::RETRY_AFTER_MAX.as_secs() => {
                return give_up(format!("throttled for {tried_for} s while the portal took others"));
            }
            Class::Down | Class::Refused if counted as usize > policy.waits.len() => {
                return give_up(format!("{counted} attempts failed while the portal took others"));
            }
            Class::Down | Class::Refused
                if counted >= COUNTED_AT_LEAST && tried_for >= policy.give_up_after.as_secs() =>
            {
                return give_up(format!("{counted} attempts in {tried_for} s failed while the portal took others"));
            }
            _ => {}
        }
    }
    if verdict.class == Class::Refused
        && let Some(most) = policy.give_up_alone
    {
        let refused = refusals(so_far) as u32 + 1;
        if before.is_some() && refused >= most {
            return give_up(format!("the portal refused this message {refused} times, and nobody else writes to it"));
        }
    }
    // What does not count is tried more and more rarely, too, as long as it is alone with its fate.
    let nth = if may_count || !takes_others { counted.saturating_sub(1) as usize } else { so_far.attempts.len() };
    let seconds = policy.waits.get(nth).or(policy.waits.last()).copied().unwrap_or(1.0);
    let factor = 1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
    let wait = Duration::try_from_secs_f64(seconds * factor).unwrap_or(Duration::from_secs(1));
    Next::Later { counted, again_in: wait.max(verdict.after.unwrap_or_default()) }
}

#[cfg(test)]
mod tests;
