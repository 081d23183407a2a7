//! Who somebody is: tokens made by the product's own backend.

use anyhow::Context;
use hubbub_core::{
    connection::{Identity, TokenError},
    ids::UserId,
    json::Json,
    limits::{TOKEN_LEEWAY, USER_INFO_BYTES},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What is required of a token beside its signature.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// `iss`, if it is to be checked.
    pub issuer: Option<String>,
    /// `aud`, if it is to be checked.
    pub audience: Option<String>,
    /// The claim that names the user.
    pub user_claim: String,
}

/// The claim that names the user where nothing else was said.
pub const USER_CLAIM: &str = "sub";

/// Claims that mean something else.
pub const OTHER_CLAIMS: [&str; 7] = ["exp", "nbf", "iat", "iss", "aud", "jti", "info"];

impl Default for Requirements {
    fn default() -> Self {
        Self { issuer: None, audience: None, user_claim: USER_CLAIM.into() }
    }
}

/// Checks tokens signed with one shared secret (HS256).
pub struct Tokens {
    key: DecodingKey,
    validation: Validation,
    user_claim: String,
}

type Claims = HashMap<String, Box<RawValue>>;

impl Tokens {
    /// Tokens signed with `secret`.
    pub fn new(secret: &str, required: &Requirements) -> Self {
        // The algorithm is the key's, never the header's.
        let mut validation = Validation::new(Algorithm::HS256);
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
        let key = DecodingKey::from_secret(secret.as_bytes());
        Self { key, validation, user_claim: required.user_claim.clone() }
    }

    /// Who the token says somebody is.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Identity, TokenError> {
        let invalid = |_| TokenError::Invalid;
        let token = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = token.map_err(|_| TokenError::Invalid)?.claims;
        let clock = since_1970();
        for name in ["nbf", "iat"] {
            if time(&claims, name)?.is_some_and(|at| at > clock + TOKEN_LEEWAY) {
                return Err(TokenError::Invalid);
            }
        }
        let exp = time(&claims, "exp")?;
        // Only a good signature gets this far: the token was ours once.
        if exp.is_some_and(|exp| exp <= clock) {
            return Err(TokenError::Expired);
        }
        let user = claims.get(&self.user_claim).ok_or(TokenError::Invalid)?;
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
}

/// A NumericDate: seconds since 1970, perhaps with a fraction. One before 1970 is 1970; one beyond all clocks is their end.
fn time(claims: &Claims, name: &str) -> Result<Option<Duration>, TokenError> {
    let Some(raw) = claims.get(name) else { return Ok(None) };
    let seconds: Option<f64> = serde_json::from_str(raw.get()).map_err(|_| TokenError::Invalid)?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
}

/// Makes a token: for `hubbub token`, and for the page of `--dev`.
pub fn make(secret: &str, required: &Requirements, user: &UserId, ttl: Duration) -> anyhow::Result<String> {
    let iat = since_1970().as_secs();
    let mut claims = serde_json::Map::new();
    claims.insert(required.user_claim.clone(), user.as_str().into());
    claims.insert("iat".into(), iat.into());
    claims.insert("exp".into(), iat.saturating_add(ttl.as_secs()).into());
    for (name, value) in [("iss", &required.issuer), ("aud", &required.audience)] {
        if let Some(value) = value {
            claims.insert(name.into(), value.as_str().into());
        }
    }
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .context("cannot sign a token")
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn verify(token: &str, required: &Requirements) -> Result<String, TokenError> {
        Tokens::new(SECRET, required).verify(token, Instant::now()).map(|identity| identity.user.to_string())
    }

    fn signed(secret: &str, algorithm: Algorithm, claims: &serde_json::Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    #[test]
    fn a_token_is_its_user_until_it_expires() {
        let (any, ana) = (Requirements::default(), UserId::parse("ana").unwrap());
        let token = make(SECRET, &any, &ana, Duration::from_secs(60)).unwrap();
        assert_eq!(verify(&token, &any), Ok("ana".into()));
        let identity = Tokens::new(SECRET, &any).verify(&token, Instant::now()).unwrap();
        let left = identity.expires.unwrap().duration_since(Instant::now());
        assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
        let old = signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "exp": 1_000}));
        assert_eq!(verify(&old, &any), Err(TokenError::Expired));
        let forged_and_old = signed("another", Algorithm::HS256, &serde_json::json!({"sub": "ana", "exp": 1_000}));
        assert_eq!(verify(&forged_and_old, &any), Err(TokenError::Invalid));
    }

    #[test]
    fn whatever_else_is_wrong_is_invalid() {
        let any = Requirements::default();
        let picky =
            Requirements { issuer: Some("us".into()), audience: Some("chat".into()), ..Requirements::default() };
        let claims = serde_json::json!({"sub": "ana"});
        let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbmEifQ.";
        for (why, token, required) in [
            ("nothing", String::new(), &any),
            ("no token", "hello".into(), &any),
            ("alg none", unsigned.into(), &any),
            ("another algorithm", signed(SECRET, Algorithm::HS512, &claims), &any),
            ("another key", signed("another", Algorithm::HS256, &claims), &any),
            ("no audience", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us"})), &picky),
            ("no issuer", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "aud": "chat"})), &picky),
            (
                "wrong audience",
                signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us", "aud": "shop"})),
                &picky,
            ),
            ("no user", signed(SECRET, Algorithm::HS256, &serde_json::json!({"exp": 9_999_999_999_u64})), &any),
            ("a reserved user", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "portal:x/y"})), &any),
        ] {
            assert_eq!(verify(&token, required), Err(TokenError::Invalid), "{why}");
        }
        let good = signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us", "aud": "chat"}));
        assert_eq!(verify(&good, &picky), Ok("ana".into()));
    }

    #[test]
    fn times_may_be_fractions_and_only_the_future_has_leeway() {
        let any = Requirements::default();
        let now = since_1970().as_secs_f64();
        let said = |claims: &str| {
            let claims: serde_json::Value = serde_json::from_str(&format!(r#"{{"sub":"ana",{claims}}}"#)).unwrap();
            verify(&signed(SECRET, Algorithm::HS256, &claims), &any)
        };
        let ana = || Ok("ana".to_owned());
        assert_eq!(said(&format!(r#""exp":{},"nbf":{},"iat":{}"#, now + 60.5, now - 0.25, now - 0.25)), ana());
        assert_eq!(said(&format!(r#""exp":{}"#, now - 0.01)), Err(TokenError::Expired), "no leeway");
        let leeway = TOKEN_LEEWAY.as_secs_f64();
        for name in ["nbf", "iat"] {
            assert_eq!(said(&format!(r#""{name}":{}"#, now + leeway - 1.0)), ana(), "a clock that is ahead: {name}");
            assert_eq!(said(&format!(r#""{name}":{}"#, now + leeway + 5.0)), Err(TokenError::Invalid), "{name}");
        }
        assert_eq!(said(r#""exp":1e300"#), ana());
        assert_eq!(said(r#""exp":null"#), ana());
        assert_eq!(said(r#""exp":-1.5"#), Err(TokenError::Expired));
        assert_eq!(said(r#""exp":"2100""#), Err(TokenError::Invalid));
    }

    #[test]
    fn another_claim_may_name_the_user() {
        let own = Requirements { user_claim: "https://us.example/id".into(), ..Requirements::default() };
        let claims = serde_json::json!({"sub": "auth0|7", "https://us.example/id": "ana"});
        assert_eq!(verify(&signed(SECRET, Algorithm::HS256, &claims), &own), Ok("ana".into()));
        let claims = serde_json::json!({"sub": "ana"});
        assert_eq!(verify(&signed(SECRET, Algorithm::HS256, &claims), &own), Err(TokenError::Invalid));
        let made = make(SECRET, &own, &UserId::parse("ben").unwrap(), Duration::from_secs(60)).unwrap();
        assert_eq!(verify(&made, &own), Ok("ben".into()));
    }
}
