//! What becomes of one token, in words: for whoever sets a server up and has a token of their provider's at hand.

use super::{
    Judge, Judged, Trust, Verifier,
    claims::{self, Claims},
    refusal::{Lack, Refusals, Why},
    set::KeySet,
};
use crate::{clock::Clock, metrics::Metrics};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hubbub_core::wire::connection::Identity;
use jsonwebtoken::{AlgorithmFamily, Header};
use std::{sync::Arc, time::Instant};

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    /// It is taken: who somebody is by it.
    Taken(String),
    /// It is taken, and something about it is to be known.
    But(String, &'static str),
    /// It is refused: why, and what to do.
    Refused(String, String),
}

/// Judges a token as a server with this trust would, by the clock of this machine. Keys are fetched once. Of the token nothing is
/// said but names of claims, whom it is for, who made it and its user.
pub async fn explain(trust: &Trust, token: &str) -> Explained {
    let refused = |why: String, to_do: &str| Explained::Refused(why, to_do.into());
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return match token.split('.').count() {
            3 => refused("it is no JWT".into(), "its first part must be a header in JSON, base64url"),
            5 => refused(
                "it has five parts: it is encrypted, and only who it was made for can read it".into(),
                ASK_FOR_API,
            ),
            parts => refused(
                format!("it is no JWT, which has three parts with dots between them: it has {parts}"),
                ASK_FOR_API,
            ),
        };
    };
    let mut trust = trust.clone();
    if let (Some(at), true) = (trust.jwks.take(), header.alg.family() != AlgorithmFamily::Hmac) {
        match at.fetch().await {
            // One of a file may have signed it as well.
            Ok((set, _)) if set.has(header.kid.as_deref()) || !trust.public_keys.is_empty() => {
                trust.public_keys.extend(set.find(header.kid.as_deref(), header.alg).cloned());
            }
            Ok((set, _)) => return Explained::Refused(unknown_key(&header, &set), OTHER_KEY.into()),
            Err(error) => return refused(format!("the keys of --token-jwks cannot be had: {error:#}"), "see there"),
        }
    }
    let judge =
        Judge { clock: Arc::<Clock>::default(), metrics: Arc::<Metrics>::default(), refusals: Refusals::default() };
    let verifier = Arc::new(Verifier::new(&trust, None));
    let (required, claims) = (trust.required.clone(), claims_of(token));
    match verifier.verify(token, &Arc::new(judge)) {
        Judged::Now(Ok(claimed)) => taken(&claimed.identity, &required.user_claim, &claims),
        Judged::Now(Err(why)) => {
            let (says, to_do) = why_not(&why, &required, &claims, &header, token);
            Explained::Refused(says, to_do)
        }
        // There is nothing to be fetched.
        Judged::Later(_) => refused("its key is not known".into(), OTHER_KEY),
    }
}

const ASK_FOR_API: &str = "some providers give such tokens where an app asks for none in particular: have it ask for your own API \
                           (Auth0: with audience; Entra: with a scope of your API)";
const OTHER_KEY: &str =
    "see whether --token-jwks is that of the realm, pool or tenant that signs: its iss begins alike";

fn unknown_key(header: &Header, set: &KeySet) -> String {
    let ids: Vec<_> = set.keys().iter().map(|key| key.id().unwrap_or("one without kid")).collect();
    format!("its kid is {:?}, and --token-jwks has {}", header.kid.as_deref().unwrap_or_default(), ids.join(", "))
}

/// What it says, good or not.
fn claims_of(token: &str) -> Claims {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}

fn taken(identity: &Identity, claim: &str, claims: &Claims) -> Explained {
    let left = identity.expires.map(|at| at.saturating_duration_since(Instant::now()).as_secs());
    let for_so_long = left.map_or("without an end".into(), |left| format!("for another {left} s"));
    let says = format!("taken: its user is {:?} ({claim}), {for_so_long}", identity.user);
    if !claims.contains_key("iat") {
        return Explained::But(
            says,
            "it has no iat: once its user is logged out everywhere, no such token is taken any more",
        );
    }
    match left {
        None => Explained::But(says, "it has no exp, so that connections stay for ever: have it expire"),
        Some(_) => Explained::Taken(says),
    }
}

/// Why it is refused, with what it says instead, and what to do.
fn why_not(
    why: &Why,
    required: &super::Requirements,
    claims: &Claims,
    header: &Header,
    token: &str,
) -> (String, String) {
    let is = |claim: &str| texts(claims, claim);
    match why {
        Why::Issuer(_) => {
            let entra = if is("iss").contains("sts.windows.net") {
                "; Entra makes such tokens (version 1) for an API whose manifest does not say requestedAccessTokenVersion 2"
            } else {
                ""
            };
            (
                format!("its iss is {}, and --token-issuer is {}", is("iss"), list(&required.issuers)),
                format!("set --token-issuer to the very text, to the last slash{entra}"),
            )
        }
        Why::Audience(lack) => {
            let (claim, wanted) = (&required.audience_claim, list(&required.audiences));
            let other = ["client_id", "azp", "appid", "aud"].into_iter().find(|other| {
                other != claim && claims::texts(claims, other).iter().any(|text| required.audiences.contains(text))
            });
            let says = match lack {
                Lack::Missing => format!("it has no {claim}, and --token-audience is {wanted}"),
                Lack::Other => format!("its {claim} is {}, and --token-audience is {wanted}", is(claim)),
            };
            let to_do = match other {
                Some(other) => format!(
                    "its {other} is that: --token-audience-claim {other}, or have the provider put it into {claim} (Keycloak: an audience mapper)"
                ),
                None => "it may have been made for another application; if it is yours, set --token-audience to what it says".into(),
            };
            (says, to_do)
        }
        Why::Required(_) => {
            let lacking = required.claims.iter().find(|(claim, value)| !claims::says(claims, claim, value));
            let (claim, value) = lacking.map_or(("", ""), |(claim, value)| (claim.as_str(), value.as_str()));
            let says = match claims.contains_key(claim) {
                true => format!("its {claim} is {}, and --token-require wants {value}", is(claim)),
                false => format!("it has no {claim}, and --token-require wants {value}; it has {}", names(claims)),
            };
            (says, "use the kind of token that has it, or take it out of --token-require".into())
        }
        Why::User(Lack::Missing) => (
            format!("it has no {}, which --token-user-claim names; it has {}", required.user_claim, names(claims)),
            "name the claim with the user's id, or have the provider put it in (Keycloak: the client scope basic has sub)".into(),
        ),
        Why::User(Lack::Other) => (
            format!("its {} is no text that an id can be: {}", required.user_claim, is(&required.user_claim)),
            "an id is text of 1 to 128 bytes without control characters, no number, and begins with none of the reserved prefixes".into(),
        ),
        Why::Signature if claims_nonce(token) => (
            "no key has signed it as it is: its header has a nonce".into(),
            "it is a token for Microsoft Graph, which Graph alone can check: have the app ask for a scope of your own API".into(),
        ),
        Why::Algorithm => (
            format!("it is signed with {:?}, and no key of ours is for that", header.alg),
            "give the key of whoever signs: --token-secret for HS256 alone, --token-public-key or --token-jwks for others".into(),
        ),
        why => (why.to_string(), "docs/operating.md, Tokens, has every reason".into()),
    }
}

/// Whether its header has a `nonce`, which the library does not say.
fn claims_nonce(token: &str) -> bool {
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&header).is_ok_and(|header| header.get("nonce").is_some())
}

fn texts(claims: &Claims, claim: &str) -> String {
    match (claims.get(claim), claims::texts(claims, claim)) {
        (None, _) => "missing".into(),
        (Some(_), texts) if texts.is_empty() => "neither text nor a list of texts".into(),
        (Some(_), texts) => list(&texts),
    }
}

fn list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" or ")
}

fn names(claims: &Claims) -> String {
    let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}
