//! Whether an incoming webhook comes from its portal: checked on the raw bytes, before anything is parsed.

use super::signature;
use crate::{limits, model::ids::Invalid};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod check;
mod public_key;
mod template;
mod twilio;

pub(super) use check::hex;
pub use check::is_token;
pub use check::{Signed, Unverified};
pub(in crate::portal) use check::{digest, sign};
pub use public_key::{KeyAlgorithm, PublicKeyTemplate};
pub(super) use template::parts;
pub use template::{HmacTemplate, KeyIn};

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
    /// Svix: `svix-id`, `svix-timestamp`, `svix-signature`; secret `whsec_…`, the key in base64.
    Svix {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// Stripe: `Stripe-Signature: t=…,v1=…`, the hex HMAC-SHA-256 of `timestamp.body`; any of several `v1` will do.
    Stripe {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// Twilio: `X-Twilio-Signature`, the base64 HMAC-SHA-1 of the URL and the sorted parameters of a form, or of a URL that has the
    /// digest of the body as `bodySHA256`. Needs `public_url`.
    Twilio,
    /// HubSpot, version 3: `X-HubSpot-Signature-v3`, the base64 HMAC-SHA-256 of method, URL, body and timestamp. Needs
    /// `public_url`.
    Hubspot {
        /// How far the timestamp may be from now.
        #[serde(default = "tolerance")]
        tolerance_seconds: u64,
    },
    /// GitHub's and Meta's `X-Hub-Signature-256: sha256=` and Intercom's `X-Hub-Signature: sha1=`, hex, of the body.
    HubSignature {
        /// Which of the two.
        #[serde(default)]
        algorithm: Algorithm,
    },
    /// Any other HMAC.
    Hmac(HmacTemplate),
    /// A signature by a key pair (RSA, ECDSA, Ed25519): the secret is the vendor's public key.
    PublicKey(PublicKeyTemplate),
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

impl Default for Verify {
    fn default() -> Self {
        Self::StandardWebhooks { tolerance_seconds: tolerance() }
    }
}

const fn tolerance() -> u64 {
    crate::limits::HOOK_TOLERANCE.as_secs()
}

fn check_tolerance(seconds: u64) -> Result<(), Invalid> {
    let most = limits::HOOK_TOLERANCE_MAX.as_secs();
    if (1..=most).contains(&seconds) {
        return Ok(());
    }
    Err(Invalid::new("tolerance_seconds", format!("{seconds}; it is 1 to {most}")))
}

pub(in crate::portal) fn check_header(field: &'static str, name: &str) -> Result<(), Invalid> {
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
        self.check_signing(&["{body}"])
    }

    /// The same, where one of these placeholders of a template must be signed.
    pub(in crate::portal) fn check_signing(&self, one_of: &[&str]) -> Result<(), Invalid> {
        match self {
            Self::StandardWebhooks { tolerance_seconds }
            | Self::Slack { tolerance_seconds }
            | Self::Zendesk { tolerance_seconds }
            | Self::Svix { tolerance_seconds }
            | Self::Stripe { tolerance_seconds }
            | Self::Hubspot { tolerance_seconds } => check_tolerance(*tolerance_seconds),
            Self::HubSignature { .. } | Self::Bearer | Self::Path | Self::Twilio => Ok(()),
            Self::Hmac(template) => template.check(one_of),
            Self::PublicKey(template) => template.described().check(one_of),
            Self::Header { name } => check_header("name", name),
            Self::Basic { user } if user.contains(|c: char| c == ':' || c.is_control()) => {
                Err(Invalid::new("user", "no colon and no control characters are allowed"))
            }
            Self::Basic { .. } => Ok(()),
        }
    }

    /// Whether the URL is signed, as the portal wrote it: then `public_url` must be known.
    pub fn signs_url(&self) -> bool {
        match self {
            Self::Twilio | Self::Hubspot { .. } => true,
            Self::Hmac(template) => template.signs("{url}"),
            Self::PublicKey(template) => template.described().signs("{url}"),
            _ => false,
        }
    }

    /// Whether what stands behind `?` in the URL is signed.
    pub(in crate::portal) fn signs_query(&self) -> bool {
        match self {
            Self::Hmac(template) => self.signs_url() || template.signs("{query}"),
            Self::PublicKey(template) => self.signs_url() || template.described().signs("{query}"),
            scheme => scheme.signs_url(),
        }
    }

    /// Whether the body is signed.
    pub(in crate::portal) fn signs_body(&self) -> bool {
        match self {
            Self::Hmac(template) => template.signs("{body}"),
            Self::PublicKey(template) => template.described().signs("{body}"),
            scheme => !scheme.keeps_digest(),
        }
    }

    /// The header with the webhook's id, where the scheme has one.
    pub fn id_header(&self) -> Option<&str> {
        match self {
            Self::StandardWebhooks { .. } => Some("webhook-id"),
            Self::Svix { .. } => Some("svix-id"),
            Self::Hmac(template) => template.id_header.as_deref(),
            Self::PublicKey(template) => template.id_header.as_deref(),
            _ => None,
        }
    }

    /// Whether what stands in the header of this name is a secret.
    pub fn is_secret(&self, header: &str) -> bool {
        let is = |name: &str| header.eq_ignore_ascii_case(name);
        let own = matches!(self, Self::Header { name } if is(name));
        own || ["authorization", "proxy-authorization", "cookie"].into_iter().any(is)
    }

    /// Whether a SHA-256 of the secret is all that is kept of it: schemes that only compare need no more.
    pub const fn keeps_digest(&self) -> bool {
        matches!(self, Self::Header { .. } | Self::Bearer | Self::Basic { .. } | Self::Path)
    }

    /// Whether the secret is none: a public key, which nobody but the vendor can make, and by which nothing is signed.
    pub const fn is_by_public_key(&self) -> bool {
        matches!(self, Self::PublicKey(_))
    }

    /// What is to be kept of a secret, once it has been found fit for the scheme; what [`Verify::verify`] takes.
    ///
    /// # Errors
    /// What is wrong with it, without saying it.
    pub fn stored(&self, secret: &str) -> Result<String, Invalid> {
        let wrong = |problem: String| Err(Invalid::new("secret", problem));
        check_secret(secret)?;
        match self {
            Self::StandardWebhooks { .. } => signature::parse_secret(secret).map(|_| ())?,
            Self::Svix { .. } => signature::parse_secret(&check::with_prefix(secret)).map(|_| ())?,
            Self::Header { .. } | Self::Bearer
                if secret.trim() != secret || !secret.chars().all(|c| c == ' ' || c.is_ascii_graphic()) =>
            {
                return wrong("a header holds visible ASCII only".into());
            }
            Self::PublicKey(template) => template.check_key(secret)?,
            Self::Path if !secret.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)) => {
                return wrong("a path holds A-Z a-z 0-9 - . _ ~ only".into());
            }
            Self::Path if secret.len() < limits::PATH_SECRET_BYTES => {
                return wrong(format!("{} bytes; it is {} at least", secret.len(), limits::PATH_SECRET_BYTES));
            }
            _ => {
                let Some(key) = self.key(secret) else {
                    return wrong("it is not written as `key` says".into());
                };
                check_length(key.len())?;
            }
        }
        Ok(if self.keeps_digest() { check::digest(secret.as_bytes()) } else { secret.to_owned() })
    }

    /// A fresh secret as the scheme wants it, of bytes from a good source.
    pub fn make(&self, random: [u8; 32]) -> String {
        match self {
            Self::StandardWebhooks { .. } | Self::Svix { .. } => signature::make_secret(random),
            Self::Hmac(HmacTemplate { key: KeyIn::Base64, .. }) => STANDARD.encode(random),
            Self::Hmac(HmacTemplate { key: KeyIn::Hex, .. }) => {
                random.iter().map(|byte| format!("{byte:02x}")).collect()
            }
            _ => URL_SAFE_NO_PAD.encode(random),
        }
    }
}

/// Checks a secret that the portal only says: what is kept of it is its digest.
///
/// # Errors
/// What is wrong with it, without saying it.
pub fn stored_token(secret: &str) -> Result<String, Invalid> {
    check_secret(secret)?;
    check_length(secret.len())?;
    Ok(digest(secret.as_bytes()))
}

fn check_secret(secret: &str) -> Result<(), Invalid> {
    if secret.is_empty() {
        return Err(Invalid::new("secret", "empty"));
    }
    if secret.len() > limits::PORTAL_SECRET_BYTES {
        return Err(Invalid::too_long("secret", secret.len(), limits::PORTAL_SECRET_BYTES));
    }
    Ok(())
}

fn check_length(bytes: usize) -> Result<(), Invalid> {
    let least = limits::SECRET_BYTES_MIN;
    if bytes >= least {
        return Ok(());
    }
    Err(Invalid::new("secret", format!("{bytes} bytes can be guessed; it is {least} at least")))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vendor_tests;
