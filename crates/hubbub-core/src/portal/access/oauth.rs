//! OAuth 2 (RFC 6749): what is asked of a token endpoint, and what its answer means.

use super::{check_visible, is_visible, mask, short};
use crate::{
    delivery::retry::{PostOutcome, retry_after},
    limits,
    model::{ids::Invalid, time::Timestamp},
    portal::address::check_url,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use form_urlencoded::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, time::Duration};
use utoipa::ToSchema;

/// What we say ourselves in a request for a token.
const OURS: [&str; 5] = ["grant_type", "client_id", "client_secret", "refresh_token", "scope"];
/// Characters that are kept of what a token endpoint says is wrong.
const SAID: usize = 400;

/// A token that we fetch and renew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// Where tokens are fetched, https; the same addresses as for the portal itself may be called.
    pub token_url: String,
    /// What a token is fetched with.
    pub grant: GrantKind,
    /// Who we are there.
    pub client_id: String,
    /// What we ask for, with spaces between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How the client's secret is sent.
    #[serde(default)]
    pub auth: ClientAuth,
    /// What stands before the token in `Authorization`, like `Zoho-oauthtoken `.
    #[serde(default = "bearer", skip_serializing_if = "is_bearer")]
    pub prefix: String,
    /// What else the endpoint wants to be told, like `audience`: constants, not secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

fn bearer() -> String {
    "Bearer ".into()
}

fn is_bearer(prefix: &str) -> bool {
    prefix == bearer()
}

/// What a token is fetched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// The client's own secret.
    ClientCredentials,
    /// A refresh token, which an operator gives us first (direction `grant`), and which the endpoint may replace each time.
    RefreshToken,
}

/// How the client's secret is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As the password of HTTP Basic, which every endpoint must understand.
    #[default]
    Basic,
    /// In the form.
    Body,
}

/// A request to a token endpoint. It is shown nowhere.
pub struct TokenRequest {
    /// The form.
    pub body: String,
    /// The header `Authorization`, where there is one.
    pub authorization: Option<String>,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenRequest(…)")
    }
}

/// What a token endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// What opens the portal.
    pub access: String,
    /// What renews it from now on; `None`: what renewed it so far.
    pub refresh: Option<String>,
    /// For how long it is good; `None`: until it is refused.
    pub good_for: Option<Duration>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("access", &"…").field("good_for", &self.good_for).finish_non_exhaustive()
    }
}

/// What an answer of a token endpoint means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenAnswer {
    /// There is a token.
    Granted(Tokens),
    /// `invalid_grant`: what it was asked with is good no more, and only an operator can get another.
    Revoked(String),
    /// The client, its secret or its settings are wrong.
    Credentials(String),
    /// It wants to be asked later.
    Throttled {
        /// What it said.
        why: String,
        /// Not before this.
        after: Option<Duration>,
    },
    /// It is not there, or not well.
    Down(String),
}

impl OAuth2 {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        check_url(&self.token_url).map_err(|invalid| Invalid { field: "auth.token_url", ..invalid })?;
        check_visible("auth.prefix", &self.prefix)?;
        short("auth.prefix", &self.prefix)?;
        if self.token_url.contains(['{', '}']) {
            return Err(Invalid::new("auth.token_url", "it is literal, and no template"));
        }
        if self.client_id.is_empty() || !is_visible(&self.client_id) {
            return Err(Invalid::new("auth.client_id", "it is not empty, and visible ASCII"));
        }
        short("auth.client_id", &self.client_id)?;
        if self.scope.as_deref().is_some_and(|scope| !is_visible(scope)) {
            return Err(Invalid::new("auth.scope", "it is visible ASCII"));
        }
        if let Some(bytes) = self.scope.as_deref().map(str::len).filter(|bytes| *bytes > limits::ACCESS_TEMPLATE_BYTES)
        {
            return Err(Invalid::too_long("auth.scope", bytes, limits::ACCESS_TEMPLATE_BYTES));
        }
        if self.params.len() > limits::TOKEN_PARAMS {
            let problem = format!("{} of them; the limit is {}", self.params.len(), limits::TOKEN_PARAMS);
            return Err(Invalid::new("auth.params", problem));
        }
        for (name, value) in &self.params {
            if OURS.contains(&name.as_str()) || name.is_empty() {
                return Err(Invalid::new("auth.params", format!("{name:?} is not yours to set")));
            }
            short("auth.params", name)?;
            short("auth.params", value)?;
        }
        Ok(())
    }

    /// What tells whether a token was fetched for these settings, or for what they were before.
    pub fn fingerprint(&self) -> String {
        let said = serde_json::to_string(self).unwrap_or_default();
        Sha256::digest(said).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The request for a token.
    ///
    /// # Errors
    /// In words, what is missing.
    pub fn request(&self, secret: Option<&str>, refresh: Option<&str>) -> Result<TokenRequest, &'static str> {
        let mut form = Serializer::new(String::new());
        match self.grant {
            GrantKind::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
                if secret.is_none() {
                    return Err("it has no access secret: the client's, which tokens are fetched with");
                }
            }
            GrantKind::RefreshToken => {
                let refresh = refresh.ok_or("it has no refresh token: give it one, direction grant")?;
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", refresh);
            }
        }
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        for (name, value) in &self.params {
            form.append_pair(name, value);
        }
        let authorization = match (self.auth, secret) {
            (ClientAuth::Basic, Some(secret)) => {
                // Each is form-encoded before the two are joined (RFC 6749, 2.3.1).
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&self.client_id), encoded(secret));
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            (ClientAuth::Body, Some(secret)) => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", secret);
                None
            }
            // A public client says who it is, and no more.
            (_, None) => {
                form.append_pair("client_id", &self.client_id);
                None
            }
        };
        Ok(TokenRequest { body: form.finish(), authorization })
    }
}

/// What an answer of a token endpoint means. Some say what is wrong with the status 200.
pub fn judge(outcome: &PostOutcome<'_>, body: &[u8], now: Timestamp) -> TokenAnswer {
    let (code, later) = match outcome {
        PostOutcome::NoAnswer { why } => return TokenAnswer::Down(format!("the token endpoint: {why}")),
        PostOutcome::Status { code, retry_after } => (*code, *retry_after),
    };
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |name: &str| said[name].as_str().filter(|word| !word.is_empty());
    // Some nest it, or call it otherwise.
    let error = word("error").or_else(|| said["error"]["code"].as_str()).or_else(|| word("error_code"));
    let why = match (error, word("error_description")) {
        (Some(error), Some(more)) => format!("the token endpoint answered {code}: {}, {}", shown(error), shown(more)),
        (Some(error), None) => format!("the token endpoint answered {code}: {}", shown(error)),
        (None, _) => format!("the token endpoint answered {code}"),
    };
    let throttled =
        || TokenAnswer::Throttled { why: why.clone(), after: later.and_then(|value| retry_after(value, now)) };
    match (code, error) {
        (408 | 425 | 429, _) => throttled(),
        (500.., _) | (300..=399, _) => TokenAnswer::Down(why),
        (_, Some("invalid_grant" | "invalid_refresh_token" | "token_revoked" | "token_expired")) => {
            TokenAnswer::Revoked(why)
        }
        (_, Some("slow_down" | "ratelimited" | "rate_limited")) => throttled(),
        (_, Some("temporarily_unavailable" | "server_error")) => TokenAnswer::Down(why),
        (200..=299, None) => match tokens(&said) {
            Ok(tokens) => TokenAnswer::Granted(tokens),
            Err(problem) => TokenAnswer::Credentials(format!("{why}, {problem}")),
        },
        _ => TokenAnswer::Credentials(why),
    }
}

fn tokens(said: &Value) -> Result<Tokens, String> {
    let token = |name: &str| {
        let token = said[name].as_str().filter(|token| !token.is_empty());
        match token {
            Some(token) if token.len() > limits::TOKEN_BYTES => {
                Err(format!("and {name} has {} bytes; the limit is {}", token.len(), limits::TOKEN_BYTES))
            }
            Some(token) if !is_visible(token) || token.contains(' ') => {
                Err(format!("and {name} is nothing that a header holds"))
            }
            token => Ok(token.map(ToOwned::to_owned)),
        }
    };
    let access = token("access_token")?.ok_or("and there is no access_token in it")?;
    // A number, as the specification says, or one in quotes, as some write it.
    let seconds = &said["expires_in"];
    let seconds = seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok());
    let seconds = seconds.filter(|seconds| seconds.is_finite());
    let longest = limits::TOKEN_GOOD_MAX.as_secs_f64();
    let good_for = seconds.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, longest)));
    Ok(Tokens { access, refresh: token("refresh_token")?, good_for })
}

/// What a token endpoint says, without these secrets, which it may have repeated, and then no longer than is kept: what is left of a
/// secret that was cut is one, too.
pub fn without(secrets: &[&str], why: &str) -> String {
    mask(why, secrets).chars().take(SAID).collect()
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// When a token that was got now is to be renewed: a while before it ends, and of a short one not at once.
pub fn renew_at(got: Timestamp, good_for: Duration) -> Timestamp {
    let before = limits::TOKEN_MARGIN.min(good_for / 4);
    let millis = i64::try_from((good_for - before).as_millis()).unwrap_or(i64::MAX);
    Timestamp(got.0.saturating_add(millis))
}
