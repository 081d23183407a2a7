//! The checking itself. Everything secret is compared in a time that does not depend on where it differs.

use super::{Algorithm, Encoding, HmacTemplate, Verify};
use crate::{
    model::time::Timestamp,
    portal::signature::{self, mac},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Base64 as portals write it: with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// A number of a timestamp from here on is milliseconds: as seconds it would be the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;

/// A webhook as it came, as far as signatures go.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole URL, as the portal wrote it.
    pub url: &'a str,
    /// The value of a header; names are given in lower case.
    pub headers: &'a (dyn Fn(&str) -> Option<&'a [u8]> + Sync),
    /// The raw body.
    pub body: &'a [u8],
    /// The last part of the path, where there is one.
    pub path_secret: Option<&'a str>,
}

/// Why a webhook is not believed. Says nothing of the secret, nor of the signature that would have been right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// A header is missing.
    #[error("the header {0} is missing")]
    MissingHeader(String),
    /// The path has no secret.
    #[error("the secret at the end of the path is missing")]
    MissingPathSecret,
    /// The timestamp is none.
    #[error("the header {0} is no timestamp")]
    BadTimestamp(String),
    /// The webhook is old, or a clock is wrong.
    #[error("the timestamp is {off} s from now; the limit is {tolerance} s")]
    OutOfTolerance {
        /// How far, in seconds.
        off: u64,
        /// How far it may be.
        tolerance: u64,
    },
    /// The signature is not by any of the secrets, or is none.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// What should be the secret is not it.
    #[error("the secret does not match")]
    SecretMismatch,
}

impl<'a> Signed<'a> {
    fn header(&self, name: &str) -> Result<&'a [u8], Unverified> {
        let found = (self.headers)(&name.to_ascii_lowercase()).map(<[u8]>::trim_ascii);
        found.filter(|value| !value.is_empty()).ok_or_else(|| Unverified::MissingHeader(name.to_owned()))
    }

    fn timestamp(&self, name: &str, tolerance: u64, now_s: i64) -> Result<&'a [u8], Unverified> {
        let value = self.header(name)?;
        let at = seconds(value).ok_or_else(|| Unverified::BadTimestamp(name.to_owned()))?;
        let off = at.abs_diff(now_s);
        if off > tolerance {
            return Err(Unverified::OutOfTolerance { off, tolerance });
        }
        Ok(value)
    }
}

impl Verify {
    /// Checks a webhook against the secrets that are good now: any of them will do. `now_s` is seconds since 1970.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, secrets: &[&str], request: &Signed<'_>, now_s: i64) -> Result<(), Unverified> {
        match self {
            Self::StandardWebhooks { tolerance_seconds } => {
                let id = request.header("webhook-id")?;
                let timestamp = request.timestamp("webhook-timestamp", *tolerance_seconds, now_s)?;
                let signatures = request.header("webhook-signature")?;
                let given: Vec<_> = signatures
                    .split(|byte| *byte == b' ')
                    .filter_map(|one| BASE64.decode(one.strip_prefix(b"v1,")?).ok())
                    .collect();
                let keys = secrets.iter().filter_map(|secret| signature::parse_secret(secret).ok());
                any(keys.map(|key| key.mac(id, timestamp, request.body)), |mac| given.iter().any(|one| same(one, mac)))
            }
            Self::Slack { tolerance_seconds } => {
                let timestamp = request.timestamp("X-Slack-Request-Timestamp", *tolerance_seconds, now_s)?;
                let given = given(request.header("X-Slack-Signature")?, "v0=", Encoding::Hex)?;
                by_text(secrets, Algorithm::Sha256, &[b"v0:", timestamp, b":", request.body], &given)
            }
            Self::Zendesk { tolerance_seconds } => {
                let header = "X-Zendesk-Webhook-Signature-Timestamp";
                let timestamp = request.timestamp(header, *tolerance_seconds, now_s)?;
                let given = given(request.header("X-Zendesk-Webhook-Signature")?, "", Encoding::Base64)?;
                by_text(secrets, Algorithm::Sha256, &[timestamp, request.body], &given)
            }
            Self::HubSignature { algorithm } => {
                let (header, prefix) = match algorithm {
                    Algorithm::Sha1 => ("X-Hub-Signature", "sha1="),
                    Algorithm::Sha256 => ("X-Hub-Signature-256", "sha256="),
                    Algorithm::Sha512 => ("X-Hub-Signature-512", "sha512="),
                };
                let given = given(request.header(header)?, prefix, Encoding::Hex)?;
                by_text(secrets, *algorithm, &[request.body], &given)
            }
            Self::Hmac(template) => template.verify(secrets, request, now_s),
            Self::Header { name } => by_digest(secrets, request.header(name)?),
            Self::Bearer => by_digest(secrets, authorization(request, "bearer")?),
            Self::Basic { user } => {
                let pair = BASE64.decode(authorization(request, "basic")?).map_err(|_| Unverified::SecretMismatch)?;
                let colon = pair.iter().position(|byte| *byte == b':').ok_or(Unverified::SecretMismatch)?;
                let right_user = same(&pair[..colon], user.as_bytes());
                by_digest(secrets, &pair[colon + 1..]).and(right_user.then_some(()).ok_or(Unverified::SecretMismatch))
            }
            Self::Path => by_digest(secrets, request.path_secret.ok_or(Unverified::MissingPathSecret)?.as_bytes()),
        }
    }
}

impl HmacTemplate {
    fn verify(&self, secrets: &[&str], request: &Signed<'_>, now_s: i64) -> Result<(), Unverified> {
        let id = self.id_header.as_deref().map(|name| request.header(name)).transpose()?;
        let timestamp = self.timestamp_header.as_deref();
        let timestamp = timestamp.map(|name| request.timestamp(name, self.tolerance_seconds, now_s)).transpose()?;
        let given = given(request.header(&self.header)?, &self.prefix, self.encoding)?;
        let parts: Vec<&[u8]> = super::parts(&self.signed)
            .map(|part| match part {
                "{id}" => id.unwrap_or_default(),
                "{timestamp}" => timestamp.unwrap_or_default(),
                "{method}" => request.method.as_bytes(),
                "{url}" => request.url.as_bytes(),
                "{body}" => request.body,
                text => text.as_bytes(),
            })
            .collect();
        by_text(secrets, self.algorithm, &parts, &given)
    }
}

fn any(mut macs: impl Iterator<Item = Vec<u8>>, is: impl Fn(&[u8]) -> bool) -> Result<(), Unverified> {
    macs.any(|mac| is(&mac)).then_some(()).ok_or(Unverified::SignatureMismatch)
}

/// The secret's text is the key.
fn by_text(secrets: &[&str], algorithm: Algorithm, parts: &[&[u8]], given: &[u8]) -> Result<(), Unverified> {
    let macs = secrets.iter().filter(|secret| !secret.is_empty()).map(|secret| match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(secret.as_bytes(), parts),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(secret.as_bytes(), parts),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(secret.as_bytes(), parts),
    });
    any(macs, |mac| same(mac, given))
}

/// What is kept is the digest of the secret.
fn by_digest(kept: &[&str], given: &[u8]) -> Result<(), Unverified> {
    let digest = digest(given);
    let is = kept.iter().any(|kept| same(kept.as_bytes(), digest.as_bytes()));
    is.then_some(()).ok_or(Unverified::SecretMismatch)
}

/// The SHA-256, in lower-case hexadecimal.
pub(super) fn digest(secret: &[u8]) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

fn given(value: &[u8], prefix: &str, encoding: Encoding) -> Result<Vec<u8>, Unverified> {
    let written = value.strip_prefix(prefix.as_bytes()).ok_or(Unverified::SignatureMismatch)?;
    let decoded = match encoding {
        Encoding::Hex => hex(written),
        Encoding::Base64 => BASE64.decode(written).ok(),
    };
    decoded.ok_or(Unverified::SignatureMismatch)
}

/// Reads hexadecimal, in either case.
pub(in crate::portal) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?).ok();
    text.chunks(2).map(byte).collect()
}

fn authorization<'a>(request: &Signed<'a>, scheme: &str) -> Result<&'a [u8], Unverified> {
    let value = request.header("Authorization")?;
    let (said, rest) = value.split_at_checked(scheme.len()).ok_or(Unverified::SecretMismatch)?;
    let is = said.eq_ignore_ascii_case(scheme.as_bytes()) && rest.starts_with(b" ");
    is.then(|| rest.trim_ascii()).ok_or(Unverified::SecretMismatch)
}

/// Seconds or milliseconds since 1970, or RFC 3339; as seconds.
fn seconds(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    match text.parse::<i64>() {
        Ok(number) if number.unsigned_abs() >= MILLISECONDS.unsigned_abs() => Some(number.div_euclid(1_000)),
        Ok(number) => Some(number),
        Err(_) => Timestamp::parse(text).map(|at| at.0.div_euclid(1_000)),
    }
}
