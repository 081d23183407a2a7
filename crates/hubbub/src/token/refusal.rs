//! Why a token or a key is refused: told to operators, never to who brought it.

use crate::{log::Seldom, metrics::Metrics};
use hubbub_core::{limits, wire::connection::TokenError};
use std::fmt;

/// How a claim is not what it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The token does not have it.
    Missing,
    /// It is something else.
    Other,
}

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
    /// The backend has logged its user out, after it was issued or nobody knows when.
    Revoked,
    /// It will be good in so many seconds.
    NotYet(&'static str, f64),
    /// Its `iss` is another, or missing.
    Issuer(Lack),
    /// What it says of whom it is for is another, or missing.
    Audience(Lack),
    /// A claim that is required is another, or missing.
    Required(Lack),
    /// It is good for so many seconds, more than so many that are allowed.
    LongLife(f64, u64),
    /// It has no end, and one is required.
    Endless,
    /// A time in it is no number.
    Times,
    /// It names no user, or one that cannot be.
    User(Lack),
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
const KINDS: usize = 19;

impl Why {
    /// What its client is told.
    pub const fn told(self) -> TokenError {
        match self {
            Self::Expired(_) | Self::Spent | Self::Revoked => TokenError::Expired,
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
            Self::Issuer(_) => (7, "issuer"),
            Self::Audience(_) => (8, "audience"),
            Self::Times => (9, "times"),
            Self::User(_) => (10, "user"),
            Self::Info => (11, "info"),
            Self::OtherUser => (12, "other_user"),
            Self::ApiKeyMissing => (13, "api_key_missing"),
            Self::ApiKeyUnknown => (14, "api_key_unknown"),
            Self::Spent => (15, "spent"),
            Self::Revoked => (18, "revoked"),
            Self::Required(_) => (16, "required"),
            Self::LongLife(..) | Self::Endless => (17, "life"),
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
            Self::Revoked => "its user was logged out, and it was issued before that, or has no iat",
            Self::Issuer(Lack::Missing) => "it has no iss, which --token-issuer wants",
            Self::Issuer(Lack::Other) => "its iss is none of --token-issuer",
            Self::Audience(Lack::Missing) => {
                "it has no aud, or what --token-audience-claim names instead, which --token-audience wants"
            }
            Self::Audience(Lack::Other) => "its aud, or what --token-audience-claim names instead, is none of --token-audience",
            Self::Required(Lack::Missing) => "it does not have a claim that --token-require wants",
            Self::Required(Lack::Other) => "a claim that --token-require wants is another",
            Self::LongLife(life, most) => {
                return write!(f, "it is good for {life:.0} s; the limit is {most} s (--token-max-life)");
            }
            Self::Endless => "it has no exp, which --token-max-life wants",
            Self::Times => "its exp, nbf or iat is no number",
            Self::User(Lack::Missing) => "it does not have the claim that names the user (--token-user-claim)",
            Self::User(Lack::Other) => {
                "what names its user (--token-user-claim) is no text, or none that an id can be: 1 to 128 bytes, no reserved prefix"
            }
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
            Why::Expired(_) | Why::Spent | Why::Revoked => {
                tracing::info!(reason, passed_over, "a token was refused: {why}")
            }
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
