//! What a token with a good signature says.

use super::{
    Requirements,
    refusal::{Lack, Why},
};
use hubbub_core::{
    limits::{TOKEN_LEEWAY, TOKEN_LIFE_MAX, USER_INFO_BYTES},
    model::{ids::UserId, json::Json, time::Timestamp},
    wire::connection::Identity,
};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

pub(super) type Claims = HashMap<String, Box<RawValue>>;

/// Claims whose value is a list of words with spaces between them (RFC 8693; `scp` is Entra's).
const OF_WORDS: [&str; 2] = ["scope", "scp"];

/// What the library is to check: the signature alone. Algorithms are filled in by each key.
pub(super) fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.algorithms.clear();
    // Times may be fractions, and the two ends are not treated alike; what is missing is told apart from what is another.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    validation
}

/// Somebody, and for how long they are.
pub(super) struct Claimed {
    pub identity: Identity,
    /// Seconds that the token is good for, where that is longer than anybody means.
    pub long: Option<f64>,
}

/// Who the claims say somebody is, at the time `clock` since 1970, which is `now`.
pub(super) fn identity(
    claims: &Claims,
    required: &Requirements,
    clock: Duration,
    now: Instant,
) -> Result<Claimed, Why> {
    is_for_us(claims, required)?;
    let exp = time(claims, "exp")?;
    let iat = time(claims, "iat")?;
    let starts = [("nbf", time(claims, "nbf")?), ("iat", iat)];
    // Only a good signature gets this far: the token was ours once.
    if let Some(ago) = exp.and_then(|exp| clock.checked_sub(exp)) {
        return Err(Why::Expired(ago.as_secs_f64()));
    }
    if let Some(most) = required.max_life {
        let exp = exp.ok_or(Why::Endless)?;
        let life = exp.saturating_sub(iat.unwrap_or(clock));
        if life > most {
            return Err(Why::LongLife(life.as_secs_f64(), most.as_secs()));
        }
    }
    let user = claims.get(&required.user_claim).ok_or(Why::User(Lack::Missing))?;
    let user: String = serde_json::from_str(user.get()).map_err(|_| Why::User(Lack::Other))?;
    let user = UserId::parse_outsider("user", &user).map_err(|_| Why::User(Lack::Other))?;
    let info = match claims.get(&required.info_claim).filter(|raw| raw.get() != "null") {
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
    Ok(Claimed { identity: Identity { user, info, expires, issued: iat.map(timestamp) }, long })
}

fn timestamp(since_1970: Duration) -> Timestamp {
    Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Whether it was made by whom it should be, for us, and as what it should be.
fn is_for_us(claims: &Claims, required: &Requirements) -> Result<(), Why> {
    let is_one_of = |claim: &str, wanted: &[String]| match claims.get(claim) {
        None => Err(Lack::Missing),
        Some(_) if wanted.iter().any(|wanted| says(claims, claim, wanted)) => Ok(()),
        Some(_) => Err(Lack::Other),
    };
    if !required.issuers.is_empty() {
        is_one_of("iss", &required.issuers).map_err(Why::Issuer)?;
    }
    if !required.audiences.is_empty() {
        is_one_of(&required.audience_claim, &required.audiences).map_err(Why::Audience)?;
    }
    for (claim, wanted) in &required.claims {
        is_one_of(claim, std::slice::from_ref(wanted)).map_err(Why::Required)?;
    }
    Ok(())
}

/// Whether a claim is this text, or a list with it; of words with spaces between them, whether it is one.
pub(super) fn says(claims: &Claims, claim: &str, wanted: &str) -> bool {
    texts(claims, claim).iter().any(|text| {
        text == wanted || (OF_WORDS.contains(&claim) && text.split_ascii_whitespace().any(|word| word == wanted))
    })
}

/// The texts of a claim that is one or a list of such; `true` and `false` are texts here. Empty where it is anything else.
pub(super) fn texts(claims: &Claims, claim: &str) -> Vec<String> {
    let Some(raw) = claims.get(claim) else { return Vec::new() };
    match raw.get() {
        bool @ ("true" | "false") => vec![bool.into()],
        text => serde_json::from_str::<String>(text)
            .map(|one| vec![one])
            .or_else(|_| serde_json::from_str(text))
            .unwrap_or_default(),
    }
}

/// A NumericDate: seconds since 1970, perhaps with a fraction. One before 1970 is 1970; one beyond all clocks is their end.
fn time(claims: &Claims, name: &str) -> Result<Option<Duration>, Why> {
    let Some(raw) = claims.get(name) else { return Ok(None) };
    let seconds: Option<f64> = serde_json::from_str(raw.get()).map_err(|_| Why::Times)?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}
