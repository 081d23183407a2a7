//! Who somebody is: tokens made by the product's own backend or by its identity provider.

use anyhow::Context;
use futures_util::future::BoxFuture;
use hubbub_core::{
    model::ids::UserId,
    wire::connection::{Identity, TokenError},
};
use jsonwebtoken::{AlgorithmFamily, EncodingKey, Header, Validation, errors::ErrorKind};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

mod claims;
pub mod jwks;
pub mod key;
pub mod set;
#[cfg(test)]
mod tests;

use crate::{crypto, metrics::Metrics};
use claims::{Claims, since_1970};
use jwks::{Freshness, Jwks, JwksAt};
use key::Key;

/// What is required of a token beside its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Whose signatures are taken, and what must be signed.
#[derive(Clone, Default)]
pub struct Trust {
    /// The secret shared with the product's backend (HS256).
    pub secret: Option<String>,
    /// Public keys of whoever signs.
    pub public_keys: Vec<Key>,
    /// Where more of them are published.
    pub jwks: Option<JwksAt>,
    /// What tokens must say.
    pub required: Requirements,
}

/// Checks tokens.
pub struct Tokens {
    verifier: RwLock<Arc<Verifier>>,
    metrics: Arc<Metrics>,
}

struct Verifier {
    secret: Option<Key>,
    public_keys: Vec<Key>,
    jwks: Option<Arc<Jwks>>,
    validation: Validation,
    user_claim: String,
}

/// What becomes of a token: most are judged at once.
pub enum Verdict {
    /// Judged.
    Now(Result<Identity, TokenError>),
    /// To be judged once a key has been fetched.
    Later(BoxFuture<'static, Result<Identity, TokenError>>),
}

impl Tokens {
    /// Trusts these. Where keys are to be fetched, this begins; it needs a runtime.
    pub fn new(trust: &Trust, metrics: Arc<Metrics>) -> Self {
        let jwks = trust.jwks.clone().map(|at| Arc::new(Jwks::start(at, metrics.clone())));
        Self { verifier: RwLock::new(Arc::new(Verifier::new(trust, jwks))), metrics }
    }

    /// Trusts these from now on, for tokens that come from now on.
    pub fn trust(&self, trust: &Trust) {
        let mut verifier = self.verifier.write().unwrap_or_else(PoisonError::into_inner);
        let jwks = trust.jwks.as_ref().map(|at| match &verifier.jwks {
            // What was fetched from there stays until it has been fetched again, which is soon.
            Some(jwks) if jwks.at == *at => {
                jwks.fetch_soon();
                jwks.clone()
            }
            _ => Arc::new(Jwks::start(at.clone(), self.metrics.clone())),
        });
        *verifier = Arc::new(Verifier::new(trust, jwks));
    }

    /// How the keys are doing that are fetched, where any are.
    pub fn freshness(&self) -> Option<Freshness> {
        self.now().jwks.as_ref().map(|jwks| jwks.freshness())
    }

    fn now(&self) -> Arc<Verifier> {
        self.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who the token says somebody is.
    pub fn verify(&self, token: &str, now: Instant) -> Verdict {
        self.now().verify(token, now)
    }
}

impl Verifier {
    fn new(trust: &Trust, jwks: Option<Arc<Jwks>>) -> Self {
        crypto::install();
        Self {
            jwks,
            secret: trust.secret.as_deref().map(Key::secret),
            public_keys: trust.public_keys.clone(),
            validation: claims::validation(&trust.required),
            user_claim: trust.required.user_claim.clone(),
        }
    }

    fn verify(self: Arc<Self>, token: &str, now: Instant) -> Verdict {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Verdict::Now(Err(TokenError::Invalid)) };
        // An extension that must be understood, and is not.
        if header.crit.is_some() {
            return Verdict::Now(Err(TokenError::Invalid));
        }
        let keys = match header.alg.family() {
            AlgorithmFamily::Hmac => self.secret.as_slice(),
            _ => &self.public_keys,
        };
        let fitting = keys.iter().filter(|key| key.allows(header.alg));
        if let Some(verdict) = self.judge_by(fitting, token, now) {
            return Verdict::Now(verdict);
        }
        let Some(jwks) = self.jwks.clone().filter(|_| header.alg.family() != AlgorithmFamily::Hmac) else {
            return Verdict::Now(Err(TokenError::Invalid));
        };
        let known = jwks.known();
        let id = header.kid.as_deref();
        if let Some(verdict) = self.judge_by(known.find(id, header.alg), token, now) {
            return Verdict::Now(verdict);
        }
        if !known.may_lack(id) {
            return Verdict::Now(Err(TokenError::Invalid));
        }
        let token = token.to_owned();
        Verdict::Later(Box::pin(async move {
            let after = jwks.after(&known).await?;
            let fitting = after.find(header.kid.as_deref(), header.alg);
            self.judge_by(fitting, &token, Instant::now()).unwrap_or_else(|| Err(after.refusal()))
        }))
    }

    /// What becomes of the token, if one of these keys has signed it.
    fn judge_by<'a>(
        &self,
        mut keys: impl Iterator<Item = &'a Key>,
        token: &str,
        now: Instant,
    ) -> Option<Result<Identity, TokenError>> {
        keys.find_map(|key| self.judge(key, token, now))
    }

    /// What becomes of the token, if this key has signed it.
    fn judge(&self, key: &Key, token: &str, now: Instant) -> Option<Result<Identity, TokenError>> {
        let mut validation = self.validation.clone();
        validation.algorithms = key.algorithms().to_vec();
        match jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation) {
            Ok(token) => Some(claims::identity(&token.claims, &self.user_claim, now)),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => None,
            Err(_) => Some(Err(TokenError::Invalid)),
        }
    }
}

impl Verdict {
    /// The verdict, however long it takes.
    pub async fn wait(self) -> Result<Identity, TokenError> {
        match self {
            Self::Now(verdict) => verdict,
            Self::Later(verdict) => verdict.await,
        }
    }
}

/// Makes a token: for `hubbub token`, and for the page of `--dev`.
pub fn make(secret: &str, required: &Requirements, user: &UserId, ttl: Duration) -> anyhow::Result<String> {
    crypto::install();
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
    jsonwebtoken::encode(
        &Header::new(jsonwebtoken::Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .context("cannot sign a token")
}
