//! Why a token or a key is refused: told to operators, never to who brought it.

use crate::{log::Seldom, metrics::Metrics};
use hubbub_core::{limits, wire::connection::TokenError};
use std::fmt;

/// Why. Each has its own count and its own lines in the log, so that none hides another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// There is none.
    Missing,
    /// It is no JWT, or one that must be understood in a way that is not.
    Malformed,
    /// Nobody whose signatures are taken signs like this.
    Algorithm,
    /// No key of those that are known has signed it.
    Signature,
    /// The keys cannot be had.
    NoKeys,
    /// It was good until so many seconds ago.
    Expired(f64),
    /// The backend has ended what was let in with it: another is wanted.
    Spent,
    /// It will be good in so many seconds.
    NotYet(&'static str, f64),
    /// Its `iss` is another, or missing.
    Issuer,
    /// Its `aud` is another, or missing.
    Audience,
    /// A time in it is no number.
    Times,
    /// It names no user, or one that cannot be.
    User,
    /// Its `info` cannot be kept.
    Info,
    /// It names another user than the connection has.
    OtherUser,
    /// A request to `/v1` without an API key.
    ApiKeyMissing,
    /// A request to `/v1` with another.
    ApiKeyUnknown,
}

/// How many there are.
const KINDS: usize = 16;

impl Why {
    /// What its client is told.
    pub const fn told(self) -> TokenError {
        match self {
            Self::Expired(_) | Self::Spent => TokenError::Expired,
            Self::NoKeys => TokenError::Unknown,
            Self::NotYet(..) => TokenError::NotYet,
            _ => TokenError::Invalid,
        }
    }

    /// Its number, and what it is called in the metrics.
    const fn kind(self) -> (usize, &'static str) {
        match self {
            Self::Missing => (0, "missing"),
            Self::Malformed => (1, "malformed"),
            Self::Algorithm => (2, "algorithm"),
            Self::Signature => (3, "signature"),
            Self::NoKeys => (4, "no_keys"),
            Self::Expired(_) => (5, "expired"),
            Self::NotYet(..) => (6, "not_yet"),
            Self::Issuer => (7, "issuer"),
            Self::Audience => (8, "audience"),
            Self::Times => (9, "times"),
            Self::User => (10, "user"),
            Self::Info => (11, "info"),
            Self::OtherUser => (12, "other_user"),
            Self::ApiKeyMissing => (13, "api_key_missing"),
            Self::ApiKeyUnknown => (14, "api_key_unknown"),
            Self::Spent => (15, "spent"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is none",
            Self::Malformed => "it is no JWT, or its header has a crit",
            Self::Algorithm => "its alg is none that a key of ours has",
            Self::Signature => "no key of ours has signed it: another secret, key or kid",
            Self::NoKeys => "the keys of --token-jwks cannot be had",
            Self::Expired(ago) => return write!(f, "its exp was {ago:.0} s ago"),
            Self::NotYet(claim, ahead) => {
                let leeway = limits::TOKEN_LEEWAY.as_secs();
                return write!(
                    f,
                    "its {claim} is {ahead:.0} s from now, more than the {leeway} s that clocks may differ: look at the clock of who signs, and whether {claim} is in seconds"
                );
            }
            Self::Spent => "the backend has ended the connection that it was for",
            Self::Issuer => "its iss is not that of --token-issuer",
            Self::Audience => "its aud is not that of --token-audience",
            Self::Times => "its exp, nbf or iat is no number",
            Self::User => "it names no user, or one that cannot be (--token-user-claim)",
            Self::Info => "its info is no JSON that can be kept, or too long",
            Self::OtherUser => "it names another user than the connection that is refreshed",
            Self::ApiKeyMissing => "a request to /v1 without Authorization: Bearer",
            Self::ApiKeyUnknown => "a request to /v1 with another key than those of --api-key",
        })
    }
}

/// Counts refusals, and says why, each reason seldom.
#[derive(Debug, Default)]
pub struct Refusals {
    lines: [Seldom; KINDS],
    long: Seldom,
}

impl Refusals {
    /// One more.
    pub fn count(&self, why: Why, metrics: &Metrics) {
        let (nth, reason) = why.kind();
        metrics.tokens.refused(reason);
        let Some(passed_over) = self.lines[nth].tell() else { return };
        match why {
            // What happens all the time.
            Why::Expired(_) | Why::Spent => tracing::info!(reason, passed_over, "a token was refused: {why}"),
            Why::ApiKeyMissing | Why::ApiKeyUnknown => {
                tracing::warn!(reason, passed_over, "an API key was refused: {why}")
            }
            _ => tracing::warn!(reason, passed_over, "a token was refused: {why}"),
        }
    }

    /// A token was taken that is good for longer than anybody means.
    pub fn long(&self, seconds: f64, metrics: &Metrics) {
        metrics.tokens.long.inc();
        if let Some(passed_over) = self.long.tell() {
            let years = seconds / (365.0 * 86_400.0);
            tracing::warn!(
                passed_over,
                "a token is good for {years:.0} years: exp is in seconds since 1970, not in milliseconds"
            );
        }
    }
}
