//! What a token with a good signature says.

use super::{Requirements, refusal::Why};
use hubbub_core::{
    limits::{TOKEN_LEEWAY, TOKEN_LIFE_MAX, USER_INFO_BYTES},
    model::{ids::UserId, json::Json},
    wire::connection::Identity,
};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

pub(super) type Claims = HashMap<String, Box<RawValue>>;

/// What the library is to check: `iss` and `aud` where they are required. Algorithms are filled in by each key.
pub(super) fn validation(required: &Requirements) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.algorithms.clear();
    // Times are checked here: they may be fractions, and the two ends are not treated alike.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let mut claims = vec![];
    match &required.audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            claims.push("aud");
        }
        None => validation.validate_aud = false,
    }
    if let Some(issuer) = &required.issuer {
        validation.set_issuer(&[issuer]);
        claims.push("iss");
    }
    validation.set_required_spec_claims(&claims);
    validation
}

/// Somebody, and for how long they are.
pub(super) struct Claimed {
    pub identity: Identity,
    /// Seconds that the token is good for, where that is longer than anybody means.
    pub long: Option<f64>,
}

/// Who the claims say somebody is, at the time `clock` since 1970, which is `now`.
pub(super) fn identity(claims: &Claims, user_claim: &str, clock: Duration, now: Instant) -> Result<Claimed, Why> {
    let exp = time(claims, "exp")?;
    let starts = [("nbf", time(claims, "nbf")?), ("iat", time(claims, "iat")?)];
    // Only a good signature gets this far: the token was ours once.
    if let Some(ago) = exp.and_then(|exp| clock.checked_sub(exp)) {
        return Err(Why::Expired(ago.as_secs_f64()));
    }
    let user = claims.get(user_claim).ok_or(Why::User)?;
    let user: String = serde_json::from_str(user.get()).map_err(|_| Why::User)?;
    let user = UserId::parse_outsider("user", &user).map_err(|_| Why::User)?;
    let info = match claims.get("info").filter(|raw| raw.get() != "null") {
        Some(raw) => Some(Json::parse("info", raw, USER_INFO_BYTES).map_err(|_| Why::Info)?),
        None => None,
    };
    // Last: who is told to come again is not refused for good then.
    for (name, start) in starts {
        let ahead = start.and_then(|start| start.checked_sub(clock)).filter(|ahead| *ahead > TOKEN_LEEWAY);
        if let Some(ahead) = ahead {
            return Err(Why::NotYet(name, ahead.as_secs_f64()));
        }
    }
    let left = exp.map(|exp| exp.saturating_sub(clock));
    let long = left.filter(|left| *left > TOKEN_LIFE_MAX).map(|left| left.as_secs_f64());
    let expires = left.map(|left| now + left.min(TOKEN_LIFE_MAX));
    Ok(Claimed { identity: Identity { user, info, expires }, long })
}

/// A NumericDate: seconds since 1970, perhaps with a fraction. One before 1970 is 1970; one beyond all clocks is their end.
fn time(claims: &Claims, name: &str) -> Result<Option<Duration>, Why> {
    let Some(raw) = claims.get(name) else { return Ok(None) };
    let seconds: Option<f64> = serde_json::from_str(raw.get()).map_err(|_| Why::Times)?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}
