//! The checking itself. Everything secret is compared in a time that does not depend on where it differs.

use super::{Algorithm, Encoding, HmacTemplate, KeyIn, Verify, template::parts, twilio};
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
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
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
    /// The whole URL, as the portal wrote it; `None`: nobody has said under which address portals know us.
    pub url: Option<&'a str>,
    /// What stands behind `?` in it.
    pub query: Option<&'a str>,
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
    /// The URL is signed, and where it begins is not known.
    #[error("the URL is signed, and public_url is not set: neither for this portal nor for the server")]
    NoPublicUrl,
    /// A portal's token for a challenge is missing or wrong.
    #[error("the token does not match")]
    TokenMismatch,
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
    pub(super) fn url(&self) -> Result<&'a str, Unverified> {
        self.url.ok_or(Unverified::NoPublicUrl)
    }

    /// What the body says that it is.
    pub fn content_type(&self) -> Option<&'a str> {
        (self.headers)("content-type").and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether the body says that it is a form.
    pub(super) fn is_form(&self) -> bool {
        let kind = self.content_type().and_then(|said| said.split(';').next());
        kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }

    pub(super) fn header(&self, name: &str) -> Result<&'a [u8], Unverified> {
        let found = (self.headers)(&name.to_ascii_lowercase()).map(<[u8]>::trim_ascii);
        found.filter(|value| !value.is_empty()).ok_or_else(|| Unverified::MissingHeader(name.to_owned()))
    }

    fn timestamp(&self, name: &str, tolerance: u64, now_s: i64) -> Result<&'a [u8], Unverified> {
        let value = self.header(name)?;
        in_time(name, value, tolerance, now_s)?;
        Ok(value)
    }
}

fn in_time(name: &str, value: &[u8], tolerance: u64, now_s: i64) -> Result<(), Unverified> {
    let at = seconds(value).ok_or_else(|| Unverified::BadTimestamp(name.to_owned()))?;
    let off = at.abs_diff(now_s);
    if off > tolerance {
        return Err(Unverified::OutOfTolerance { off, tolerance });
    }
    Ok(())
}

impl Verify {
    /// Checks a webhook against the secrets that are good now: any of them will do, and which of them did is said. `now_s` is
    /// seconds since 1970.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, secrets: &[&str], request: &Signed<'_>, now_s: i64) -> Result<usize, Unverified> {
        match self {
            Self::StandardWebhooks { tolerance_seconds } => {
                standard("webhook", secrets, request, *tolerance_seconds, now_s)
            }
            Self::Svix { tolerance_seconds } => standard("svix", secrets, request, *tolerance_seconds, now_s),
            Self::Slack { tolerance_seconds } => {
                let timestamp = request.timestamp("X-Slack-Request-Timestamp", *tolerance_seconds, now_s)?;
                let given = given(request.header("X-Slack-Signature")?, "v0=", Encoding::Hex)?;
                self.by_text(secrets, Algorithm::Sha256, &[b"v0:", timestamp, b":", request.body], &given)
            }
            Self::Zendesk { tolerance_seconds } => {
                let header = "X-Zendesk-Webhook-Signature-Timestamp";
                let timestamp = request.timestamp(header, *tolerance_seconds, now_s)?;
                let given = given(request.header("X-Zendesk-Webhook-Signature")?, "", Encoding::Base64)?;
                self.by_text(secrets, Algorithm::Sha256, &[timestamp, request.body], &given)
            }
            Self::Stripe { tolerance_seconds } => {
                let template = HmacTemplate {
                    signature_part: Some("v1".into()),
                    timestamp_part: Some("t".into()),
                    tolerance_seconds: *tolerance_seconds,
                    ..HmacTemplate::of("Stripe-Signature", "{timestamp}.{body}")
                };
                template.verify(secrets, request, now_s)
            }
            Self::Twilio => twilio::verify(secrets, request),
            Self::Hubspot { tolerance_seconds } => {
                let timestamp = request.timestamp("X-HubSpot-Request-Timestamp", *tolerance_seconds, now_s)?;
                let given = given(request.header("X-HubSpot-Signature-v3")?, "", Encoding::Base64)?;
                let url = hubspot_url(request.url()?);
                let parts = [request.method.as_bytes(), url.as_bytes(), request.body, timestamp];
                self.by_text(secrets, Algorithm::Sha256, &parts, &given)
            }
            Self::HubSignature { algorithm } => {
                let (header, prefix) = match algorithm {
                    Algorithm::Sha1 => ("X-Hub-Signature", "sha1="),
                    Algorithm::Sha256 => ("X-Hub-Signature-256", "sha256="),
                    Algorithm::Sha512 => ("X-Hub-Signature-512", "sha512="),
                };
                let given = given(request.header(header)?, prefix, Encoding::Hex)?;
                self.by_text(secrets, *algorithm, &[request.body], &given)
            }
            Self::Hmac(template) => template.verify(secrets, request, now_s),
            Self::PublicKey(template) => template.verify(secrets, request, now_s),
            Self::Header { name } => by_digest(secrets, request.header(name)?),
            Self::Bearer => by_digest(secrets, authorization(request, "bearer")?),
            Self::Basic { user } => {
                let pair = BASE64.decode(authorization(request, "basic")?).map_err(|_| Unverified::SecretMismatch)?;
                let colon = pair.iter().position(|byte| *byte == b':').ok_or(Unverified::SecretMismatch)?;
                let right_user = same(&pair[..colon], user.as_bytes());
                let by = by_digest(secrets, &pair[colon + 1..]);
                if right_user { by } else { Err(Unverified::SecretMismatch) }
            }
            Self::Path => by_digest(secrets, request.path_secret.ok_or(Unverified::MissingPathSecret)?.as_bytes()),
        }
    }

    /// The key that is written in a secret; `None`: it is written in another way.
    pub fn key(&self, secret: &str) -> Option<Vec<u8>> {
        match self {
            Self::StandardWebhooks { .. } | Self::Svix { .. } => key_of(KeyIn::Base64, secret),
            Self::Hmac(template) => key_of(template.key, secret),
            _ => key_of(KeyIn::Text, secret),
        }
    }

    fn by_text(
        &self,
        secrets: &[&str],
        algorithm: Algorithm,
        parts: &[&[u8]],
        given: &[u8],
    ) -> Result<usize, Unverified> {
        by_key(secrets, algorithm, |secret| self.key(secret), parts, &[given])
    }
}

/// A secret for a library of Standard Webhooks: some write it without what it begins with.
pub(super) fn with_prefix(secret: &str) -> String {
    if secret.starts_with("whsec_") { secret.to_owned() } else { format!("whsec_{secret}") }
}

fn key_of(key: KeyIn, secret: &str) -> Option<Vec<u8>> {
    match key {
        KeyIn::Text => Some(secret.as_bytes().to_vec()),
        KeyIn::Base64 => BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok(),
        KeyIn::Hex => hex(secret.as_bytes()),
    }
}

/// Standard Webhooks, with headers of this name.
fn standard(
    name: &str,
    secrets: &[&str],
    request: &Signed<'_>,
    tolerance: u64,
    now_s: i64,
) -> Result<usize, Unverified> {
    let id = request.header(&format!("{name}-id"))?;
    let timestamp = request.timestamp(&format!("{name}-timestamp"), tolerance, now_s)?;
    let signatures = request.header(&format!("{name}-signature"))?;
    let given: Vec<_> = signatures
        .split(|byte| *byte == b' ')
        .filter_map(|one| BASE64.decode(one.strip_prefix(b"v1,")?).ok())
        .collect();
    let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
    let lenient = name == "svix";
    let key = |secret: &str| {
        let written = if lenient { with_prefix(secret) } else { secret.to_owned() };
        signature::parse_secret(&written).ok()?;
        key_of(KeyIn::Base64, &written)
    };
    by_key(secrets, Algorithm::Sha256, key, &[id, b".", timestamp, b".", request.body], &given)
}

/// HubSpot signs the URL with these characters as themselves.
pub(super) fn hubspot_url(url: &str) -> String {
    const AS_THEMSELVES: [(&str, &str); 12] = [
        ("3A", ":"),
        ("2F", "/"),
        ("3F", "?"),
        ("40", "@"),
        ("21", "!"),
        ("24", "$"),
        ("27", "'"),
        ("28", "("),
        ("29", ")"),
        ("2A", "*"),
        ("2C", ","),
        ("3B", ";"),
    ];
    let mut parts = url.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = AS_THEMSELVES
            .into_iter()
            .find(|(code, _)| part.get(..2).is_some_and(|written| written.eq_ignore_ascii_case(code)));
        match known {
            Some((_, itself)) => decoded.extend([itself, &part[2..]]),
            None => decoded.extend(["%", part]),
        }
    }
    decoded
}

/// What a description finds in a request.
pub(super) struct Found<'t> {
    /// What is signed, one after another.
    pub parts: Vec<&'t [u8]>,
    /// The signatures.
    pub given: Vec<Vec<u8>>,
}

impl HmacTemplate {
    fn verify(&self, secrets: &[&str], request: &Signed<'_>, now_s: i64) -> Result<usize, Unverified> {
        let found = self.read(request, now_s)?;
        let given: Vec<&[u8]> = found.given.iter().map(Vec::as_slice).collect();
        by_key(secrets, self.algorithm, |secret| key_of(self.key, secret), &found.parts, &given)
    }

    /// What is signed, and the signatures; the timestamp is near enough.
    pub(super) fn read<'a: 't, 't>(&'t self, request: &Signed<'a>, now_s: i64) -> Result<Found<'t>, Unverified> {
        let id = self.id_header.as_deref().filter(|_| self.signs("{id}"));
        let id = id.map(|name| request.header(name)).transpose()?;
        let value = request.header(&self.header)?;
        let timestamp = match (&self.timestamp_header, &self.timestamp_part) {
            (Some(name), _) => Some(request.timestamp(name, self.tolerance_seconds, now_s)?),
            (None, Some(part)) => {
                let bad = || Unverified::BadTimestamp(self.header.clone());
                let mut all = listed(value, part);
                let first = all.next().ok_or_else(bad)?;
                // Of two nobody could say which is signed.
                if all.any(|other| other != first) {
                    return Err(bad());
                }
                in_time(&self.header, first, self.tolerance_seconds, now_s)?;
                Some(first)
            }
            (None, None) => None,
        };
        let read = |value| given(value, &self.prefix, self.encoding);
        let given: Vec<Vec<u8>> = match &self.signature_part {
            Some(part) => listed(value, part).filter_map(|one| read(one).ok()).collect(),
            None => vec![read(value)?],
        };
        let url = if self.signs("{url}") { request.url()? } else { "" };
        let parts: Vec<&[u8]> = parts(&self.signed)
            .map(|part| match part {
                "{id}" => id.unwrap_or_default(),
                "{timestamp}" => timestamp.unwrap_or_default(),
                "{method}" => request.method.as_bytes(),
                "{url}" => url.as_bytes(),
                "{query}" => request.query.unwrap_or_default().as_bytes(),
                "{body}" => request.body,
                text => text.as_bytes(),
            })
            .collect();
        Ok(Found { parts, given })
    }
}

/// The values of this name in a list like `t=…,v1=…,v1=…`.
fn listed<'a>(list: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    list.split(|byte| matches!(byte, b',' | b';' | b' ' | b'\t')).filter_map(move |one| {
        let at = one.iter().position(|byte| *byte == b'=')?;
        let value = one.get(at + 1..)?;
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        (one.get(..at)? == name.as_bytes()).then_some(bare)
    })
}

/// Which of the secrets has the key by which one of the given signatures is right.
pub(super) fn by_key(
    secrets: &[&str],
    algorithm: Algorithm,
    key: impl Fn(&str) -> Option<Vec<u8>>,
    parts: &[&[u8]],
    given: &[&[u8]],
) -> Result<usize, Unverified> {
    // Anybody can sign by a key that is empty.
    let keys =
        secrets.iter().enumerate().filter_map(|(n, secret)| Some((n, key(secret).filter(|key| !key.is_empty())?)));
    let mut macs = keys.map(|(n, key)| (n, sign(algorithm, &key, parts)));
    let found = macs.find(|(_, mac)| given.iter().fold(false, |is, one| is | same(one, mac)));
    found.map(|(n, _)| n).ok_or(Unverified::SignatureMismatch)
}

/// The HMAC of the parts one after another.
pub(in crate::portal) fn sign(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(key, parts),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(key, parts),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(key, parts),
    }
}

/// Whether a token is one of those of which these digests are kept.
pub fn is_token(kept: &[&str], given: &str) -> bool {
    by_digest(kept, given.as_bytes()).is_ok()
}

/// What is kept is the digest of the secret.
fn by_digest(kept: &[&str], given: &[u8]) -> Result<usize, Unverified> {
    let digest = digest(given);
    let by = kept.iter().position(|kept| same(kept.as_bytes(), digest.as_bytes()));
    by.ok_or(Unverified::SecretMismatch)
}

/// The SHA-256, in lower-case hexadecimal.
pub(in crate::portal) fn digest(secret: &[u8]) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(in crate::portal) fn same(one: &[u8], other: &[u8]) -> bool {
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
