//! Whether an incoming webhook comes from its portal: checked on the raw bytes, before anything is parsed.

use super::signature;
use crate::{limits, model::ids::Invalid};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod check;

pub(super) use check::hex;
pub use check::{Signed, Unverified};

/// What a template may name.
const PLACEHOLDERS: [&str; 5] = ["{id}", "{timestamp}", "{method}", "{url}", "{body}"];

/// How incoming webhooks are verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verify {
    /// Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`; secret `whsec_…`.
    StandardWebhooks {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// Slack: `X-Slack-Signature: v0=` and the hex HMAC-SHA-256 of `v0:timestamp:body`.
    Slack {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// Zendesk: `X-Zendesk-Webhook-Signature`, the base64 HMAC-SHA-256 of timestamp and body.
    Zendesk {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// GitHub's `X-Hub-Signature-256: sha256=` and Intercom's `X-Hub-Signature: sha1=`, hex, of the body.
    HubSignature {
        /// Which of the two.
        #[serde(default)]
        algorithm: Algorithm,
    },
    /// Any other HMAC.
    Hmac(HmacTemplate),
    /// A header that holds the secret itself.
    Header {
        /// Its name.
        name: String,
    },
    /// `Authorization: Bearer` and the secret.
    Bearer,
    /// `Authorization: Basic` with this user and the secret.
    Basic {
        /// The user.
        user: String,
    },
    /// The secret is the last part of the path, `/hooks/{portal}/{secret}`: for portals that can send neither a signature nor a
    /// header.
    Path,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-1: for portals that have nothing else.
    Sha1,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal, in either case.
    #[default]
    Hex,
    /// Base64 of the standard alphabet.
    Base64,
}

/// An HMAC, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacTemplate {
    /// The hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The header with the signature.
    pub header: String,
    /// What stands before the signature in it, like `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: text with `{id}`, `{timestamp}`, `{method}`, `{url}` and `{body}`; `{body}` must be there.
    #[serde(default = "body")]
    pub signed: String,
    /// The header with the id.
    #[serde(default)]
    pub id_header: Option<String>,
    /// The header with the timestamp: seconds or milliseconds since 1970, or RFC 3339.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// How far the timestamp may be from now.
    #[serde(default = "tolerance")]
    pub tolerance_seconds: u64,
}

impl Default for Verify {
    fn default() -> Self {
        Self::StandardWebhooks { tolerance_seconds: tolerance() }
    }
}

const fn tolerance() -> u64 {
    crate::limits::HOOK_TOLERANCE.as_secs()
}

fn body() -> String {
    "{body}".into()
}

/// What a template is made of: its placeholders, and the text between them.
pub(super) fn parts(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let placeholder = |at: &str| PLACEHOLDERS.into_iter().find(|name| at.starts_with(*name)).map(str::len);
        let end = placeholder(rest).unwrap_or_else(|| {
            let next = rest.match_indices('{').map(|(at, _)| at).find(|at| placeholder(&rest[*at..]).is_some());
            next.unwrap_or(rest.len())
        });
        let (part, after) = rest.split_at(end);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

fn check_tolerance(seconds: u64) -> Result<(), Invalid> {
    let most = limits::HOOK_TOLERANCE_MAX.as_secs();
    if (1..=most).contains(&seconds) {
        return Ok(());
    }
    Err(Invalid::new("tolerance_seconds", format!("{seconds}; it is 1 to {most}")))
}

pub(super) fn check_header(field: &'static str, name: &str) -> Result<(), Invalid> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.is_empty() && name.chars().all(token) {
        return Ok(());
    }
    Err(Invalid::new(field, "no name of a header"))
}

impl Verify {
    /// Checks what can be checked.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::StandardWebhooks { tolerance_seconds }
            | Self::Slack { tolerance_seconds }
            | Self::Zendesk { tolerance_seconds } => check_tolerance(*tolerance_seconds),
            Self::HubSignature { .. } | Self::Bearer | Self::Path => Ok(()),
            Self::Hmac(template) => template.check(),
            Self::Header { name } => check_header("name", name),
            Self::Basic { user } if user.contains(|c: char| c == ':' || c.is_control()) => {
                Err(Invalid::new("user", "no colon and no control characters are allowed"))
            }
            Self::Basic { .. } => Ok(()),
        }
    }

    /// Whether a SHA-256 of the secret is all that is kept of it: schemes that only compare need no more.
    pub const fn keeps_digest(&self) -> bool {
        match self {
            Self::Header { .. } | Self::Bearer | Self::Basic { .. } | Self::Path => true,
            Self::StandardWebhooks { .. }
            | Self::Slack { .. }
            | Self::Zendesk { .. }
            | Self::HubSignature { .. }
            | Self::Hmac(_) => false,
        }
    }

    /// What is to be kept of a secret, once it has been found fit for the scheme; what [`Verify::verify`] takes.
    ///
    /// # Errors
    /// What is wrong with it, without saying it.
    pub fn stored(&self, secret: &str) -> Result<String, Invalid> {
        let wrong = |problem: String| Err(Invalid::new("secret", problem));
        if secret.is_empty() {
            return wrong("empty".into());
        }
        if secret.len() > limits::PORTAL_SECRET_BYTES {
            return Err(Invalid::too_long("secret", secret.len(), limits::PORTAL_SECRET_BYTES));
        }
        match self {
            Self::StandardWebhooks { .. } => signature::parse_secret(secret).map(|_| ())?,
            Self::Header { .. } | Self::Bearer
                if secret.trim() != secret || !secret.chars().all(|c| c == ' ' || c.is_ascii_graphic()) =>
            {
                return wrong("a header holds visible ASCII only".into());
            }
            Self::Path if !secret.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)) => {
                return wrong("a path holds A-Z a-z 0-9 - . _ ~ only".into());
            }
            Self::Path if secret.len() < limits::PATH_SECRET_BYTES => {
                return wrong(format!("{} bytes; it is {} at least", secret.len(), limits::PATH_SECRET_BYTES));
            }
            _ if secret.len() < limits::SECRET_BYTES_MIN => {
                let least = limits::SECRET_BYTES_MIN;
                return wrong(format!("{} bytes can be guessed; it is {least} at least", secret.len()));
            }
            _ => {}
        }
        Ok(if self.keeps_digest() { check::digest(secret.as_bytes()) } else { secret.to_owned() })
    }

    /// A fresh secret as the scheme wants it, of bytes from a good source.
    pub fn make(&self, random: [u8; 32]) -> String {
        match self {
            Self::StandardWebhooks { .. } => signature::make_secret(random),
            _ => URL_SAFE_NO_PAD.encode(random),
        }
    }
}

impl HmacTemplate {
    fn check(&self) -> Result<(), Invalid> {
        check_tolerance(self.tolerance_seconds)?;
        check_header("header", &self.header)?;
        let headers =
            [("{id}", "id_header", &self.id_header), ("{timestamp}", "timestamp_header", &self.timestamp_header)];
        let signs = |placeholder| parts(&self.signed).any(|part| part == placeholder);
        for (placeholder, field, header) in headers {
            match header {
                Some(name) => check_header(field, name)?,
                None if signs(placeholder) => {
                    return Err(Invalid::new(field, format!("missing; `signed` names {placeholder}")));
                }
                None => {}
            }
        }
        if !signs("{body}") {
            return Err(Invalid::new("signed", "{body} is not in it"));
        }
        if self.timestamp_header.is_some() && !signs("{timestamp}") {
            return Err(Invalid::new("signed", "{timestamp} is not in it: anybody could change the timestamp"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
