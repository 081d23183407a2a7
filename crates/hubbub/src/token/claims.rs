//! What a token with a good signature says.

use super::Requirements;
use hubbub_core::{
    limits::{TOKEN_LEEWAY, USER_INFO_BYTES},
    model::{ids::UserId, json::Json},
    wire::connection::{Identity, TokenError},
};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
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

/// Who the claims say somebody is; `now` and the clock of the system say when.
pub(super) fn identity(claims: &Claims, user_claim: &str, now: Instant) -> Result<Identity, TokenError> {
    let invalid = |_| TokenError::Invalid;
    let clock = since_1970();
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|at| at > clock + TOKEN_LEEWAY) {
            return Err(TokenError::Invalid);
        }
    }
    let exp = time(claims, "exp")?;
    // Only a good signature gets this far: the token was ours once.
    if exp.is_some_and(|exp| exp <= clock) {
        return Err(TokenError::Expired);
    }
    let user = claims.get(user_claim).ok_or(TokenError::Invalid)?;
    let user: String = serde_json::from_str(user.get()).map_err(|_| TokenError::Invalid)?;
    let user = UserId::parse_outsider("user", &user).map_err(invalid)?;
    let info = match claims.get("info").filter(|raw| raw.get() != "null") {
        Some(raw) => Some(Json::parse("info", raw, USER_INFO_BYTES).map_err(invalid)?),
        None => None,
    };
    // A token that is good for longer than a clock can say does not expire.
    let expires = exp.and_then(|exp| now.checked_add(exp - clock));
    Ok(Identity { user, info, expires })
}

/// A NumericDate: seconds since 1970, perhaps with a fraction. One before 1970 is 1970; one beyond all clocks is their end.
fn time(claims: &Claims, name: &str) -> Result<Option<Duration>, TokenError> {
    let Some(raw) = claims.get(name) else { return Ok(None) };
    let seconds: Option<f64> = serde_json::from_str(raw.get()).map_err(|_| TokenError::Invalid)?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}

pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
