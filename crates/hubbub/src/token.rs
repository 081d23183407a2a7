//! Who somebody is: tokens made by the product's own backend.

use anyhow::Context;
use hubbub_core::{
    connection::{Identity, TokenError},
    ids::UserId,
    json::Json,
    limits::USER_INFO_BYTES,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is required of a token beside its signature.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// `iss`, if it is to be checked.
    pub issuer: Option<String>,
    /// `aud`, if it is to be checked.
    pub audience: Option<String>,
}

/// Checks tokens signed with one shared secret (HS256).
pub struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: Option<u64>,
    info: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Tokens {
    /// Tokens signed with `secret`.
    pub fn new(secret: &str, required: &Requirements) -> Self {
        // The algorithm is the key's, never the header's.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        let mut claims = vec!["sub"];
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
        Self { key: DecodingKey::from_secret(secret.as_bytes()), validation }
    }

    /// Who the token says somebody is.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Identity, TokenError> {
        let claims = match jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation) {
            Ok(token) => token.claims,
            // Only a good signature gets this far: the token was ours once.
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => return Err(TokenError::Expired),
            Err(_) => return Err(TokenError::Invalid),
        };
        let user = UserId::parse_outsider("sub", &claims.sub).map_err(|_| TokenError::Invalid)?;
        let info = match &claims.info {
            Some(raw) => Some(Json::parse("info", raw, USER_INFO_BYTES).map_err(|_| TokenError::Invalid)?),
            None => None,
        };
        let expires = claims.exp.and_then(|exp| {
            let left = Duration::from_secs(exp).saturating_sub(since_1970());
            // A token that is good for longer than a clock can say does not expire.
            now.checked_add(left)
        });
        Ok(Identity { user, info, expires })
    }
}

/// Makes a token: for `hubbub token`, and for the page of `--dev`.
pub fn make(secret: &str, required: &Requirements, user: &UserId, ttl: Duration) -> anyhow::Result<String> {
    let iat = since_1970().as_secs();
    let claims = NewClaims {
        sub: user.as_str(),
        iat,
        exp: iat.saturating_add(ttl.as_secs()),
        iss: required.issuer.as_deref(),
        aud: required.audience.as_deref(),
    };
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
        let picky = Requirements { issuer: Some("us".into()), audience: Some("chat".into()) };
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
}
