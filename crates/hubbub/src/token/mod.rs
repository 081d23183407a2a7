//! Who somebody is: tokens made by the product's own backend or by its identity provider.

use anyhow::{Context, ensure};
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
pub mod explain;
pub mod jwks;
pub mod key;
mod points;
pub mod refusal;
pub mod set;
#[cfg(test)]
mod tests;

use crate::{
    clock::{self, Clock},
    crypto,
    metrics::Metrics,
};
use claims::{Claimed, Claims};
use jwks::{Freshness, Jwks, JwksAt};
use key::Key;
use refusal::{Refusals, Why};

/// What is required of a token beside its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// What `iss` may be; empty: it is not looked at.
    pub issuers: Vec<String>,
    /// What the claim of the audience may be, or have among others; empty: it is not looked at.
    pub audiences: Vec<String>,
    /// Which claim that is.
    pub audience_claim: String,
    /// Other claims, and what they must be or have among others.
    pub claims: Vec<(String, String)>,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim with what the product says about the user.
    pub info_claim: String,
    /// The longest that a token may be good, from `iat`, or from now where it has none.
    pub max_life: Option<Duration>,
}

/// The claim that names the user where nothing else was said.
pub const USER_CLAIM: &str = "sub";

/// The claim of the audience, likewise.
pub const AUDIENCE_CLAIM: &str = "aud";

/// The claim with what the product says about the user, likewise.
pub const INFO_CLAIM: &str = "info";

/// Claims that mean something else than who somebody is.
pub const OTHER_CLAIMS: [&str; 6] = ["exp", "nbf", "iat", "iss", "aud", "jti"];

impl Default for Requirements {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            audience_claim: AUDIENCE_CLAIM.into(),
            claims: Vec::new(),
            user_claim: USER_CLAIM.into(),
            info_claim: INFO_CLAIM.into(),
            max_life: None,
        }
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
    judge: Arc<Judge>,
}

/// What all verdicts share: what time it is, and who is told what was refused.
struct Judge {
    clock: Arc<Clock>,
    metrics: Arc<Metrics>,
    refusals: Refusals,
}

struct Verifier {
    secret: Option<Key>,
    public_keys: Vec<Key>,
    jwks: Option<Arc<Jwks>>,
    validation: Validation,
    required: Requirements,
}

/// What becomes of a token: most are judged at once.
pub enum Verdict {
    /// Judged.
    Now(Result<Identity, TokenError>),
    /// To be judged once a key has been fetched.
    Later(BoxFuture<'static, Result<Identity, TokenError>>),
}

impl Tokens {
    /// Trusts these, and judges by this clock. Where keys are to be fetched, this begins; it needs a runtime.
    pub fn new(trust: &Trust, metrics: Arc<Metrics>, clock: Arc<Clock>) -> Self {
        let jwks = trust.jwks.clone().map(|at| Arc::new(Jwks::start(at, metrics.clone())));
        let judge = Arc::new(Judge { clock, metrics, refusals: Refusals::default() });
        Self { verifier: RwLock::new(Arc::new(Verifier::new(trust, jwks))), judge }
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
            _ => Arc::new(Jwks::start(at.clone(), self.judge.metrics.clone())),
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

    /// Who the token says somebody is. Why one is refused is counted and logged here.
    pub fn verify(&self, token: &str) -> Verdict {
        match self.now().verify(token, &self.judge) {
            Judged::Now(judged) => Verdict::Now(self.judge.tell(judged)),
            Judged::Later(judged) => {
                let judge = self.judge.clone();
                Verdict::Later(Box::pin(async move { judge.tell(judged.await) }))
            }
        }
    }

    /// Something else was refused: a token by whom it is for, or a key of the REST API.
    pub fn refused(&self, why: Why) {
        self.judge.refusals.count(why, &self.judge.metrics);
    }
}

impl Judge {
    fn tell(&self, judged: Result<Claimed, Why>) -> Result<Identity, TokenError> {
        match judged {
            Ok(Claimed { identity, long }) => {
                if let Some(seconds) = long {
                    self.refusals.long(seconds, &self.metrics);
                }
                Ok(identity)
            }
            Err(why) => {
                self.refusals.count(why, &self.metrics);
                Err(why.told())
            }
        }
    }
}

/// A [`Verdict`] with its reason.
enum Judged {
    Now(Result<Claimed, Why>),
    Later(BoxFuture<'static, Result<Claimed, Why>>),
}

impl Verifier {
    fn new(trust: &Trust, jwks: Option<Arc<Jwks>>) -> Self {
        crypto::install();
        Self {
            jwks,
            secret: trust.secret.as_deref().map(Key::secret),
            public_keys: trust.public_keys.clone(),
            validation: claims::validation(),
            required: trust.required.clone(),
        }
    }

    fn verify(self: Arc<Self>, token: &str, judge: &Arc<Judge>) -> Judged {
        if token.is_empty() {
            return Judged::Now(Err(Why::Missing));
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Judged::Now(Err(Why::Malformed)) };
        // An extension that must be understood, and is not.
        if header.crit.is_some() {
            return Judged::Now(Err(Why::Malformed));
        }
        let keys = match header.alg.family() {
            AlgorithmFamily::Hmac => self.secret.as_slice(),
            _ => &self.public_keys,
        };
        let fitting: Vec<_> = keys.iter().filter(|key| key.allows(header.alg)).collect();
        let unsigned = if fitting.is_empty() { Why::Algorithm } else { Why::Signature };
        if let Some(judged) = self.judge_by(fitting.into_iter(), token, &judge.clock) {
            return Judged::Now(judged);
        }
        let Some(jwks) = self.jwks.clone().filter(|_| header.alg.family() != AlgorithmFamily::Hmac) else {
            return Judged::Now(Err(unsigned));
        };
        let known = jwks.known();
        let id = header.kid.as_deref();
        if let Some(judged) = self.judge_by(known.find(id, header.alg), token, &judge.clock) {
            return Judged::Now(judged);
        }
        if !known.may_lack(id) {
            return Judged::Now(Err(Why::Signature));
        }
        let (token, judge) = (token.to_owned(), judge.clone());
        Judged::Later(Box::pin(async move {
            let after = jwks.after(&known).await?;
            let fitting = after.find(header.kid.as_deref(), header.alg);
            self.judge_by(fitting, &token, &judge.clock).unwrap_or_else(|| Err(after.refusal()))
        }))
    }

    /// What becomes of the token, if one of these keys has signed it.
    fn judge_by<'a>(
        &self,
        mut keys: impl Iterator<Item = &'a Key>,
        token: &str,
        clock: &Clock,
    ) -> Option<Result<Claimed, Why>> {
        keys.find_map(|key| self.judge(key, token, clock))
    }

    /// What becomes of the token, if this key has signed it.
    fn judge(&self, key: &Key, token: &str, clock: &Clock) -> Option<Result<Claimed, Why>> {
        let mut validation = self.validation.clone();
        validation.algorithms = key.algorithms().to_vec();
        match jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation) {
            Ok(token) => Some(claims::identity(&token.claims, &self.required, clock.now(), Instant::now())),
            Err(error) => match error.kind() {
                ErrorKind::InvalidSignature => None,
                _ => Some(Err(Why::Malformed)),
            },
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

/// Makes a token by the local clock: for `hubbub token`.
///
/// # Errors
/// When it cannot be signed.
pub fn make(secret: &str, required: &Requirements, user: &UserId, ttl: Duration) -> anyhow::Result<String> {
    make_at(secret, required, user, ttl, clock::local())
}

/// Makes a token at a time since 1970: for the page of `--dev`.
///
/// # Errors
/// When it cannot be signed.
pub fn make_at(
    secret: &str,
    required: &Requirements,
    user: &UserId,
    ttl: Duration,
    since_1970: Duration,
) -> anyhow::Result<String> {
    crypto::install();
    if let Some(most) = required.max_life {
        ensure!(ttl <= most, "a token for {ttl:?}: at most {most:?} are taken (--token-max-life)");
    }
    let iat = since_1970.as_secs();
    let mut claims = serde_json::Map::new();
    claims.insert(required.user_claim.clone(), user.as_str().into());
    claims.insert("iat".into(), iat.into());
    claims.insert("exp".into(), iat.saturating_add(ttl.as_secs()).into());
    for (claim, value) in &required.claims {
        claims.insert(claim.clone(), value.as_str().into());
    }
    for (name, values) in [("iss", &required.issuers), (required.audience_claim.as_str(), &required.audiences)] {
        if let Some(value) = values.first() {
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
