//! Signatures over our own calls.

use super::{check_name, check_visible, short};
use crate::{
    limits,
    model::{ids::Invalid, time::Timestamp},
    portal::{
        signature::{self, mac},
        verify::{Algorithm, Encoding, parts},
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::Hmac;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::fmt;
use utoipa::ToSchema;

/// A call on its way, as far as signatures go.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// Its id, the same for every attempt.
    pub id: &'a str,
    /// When this attempt is made.
    pub at: Timestamp,
    /// The method.
    pub method: &'a str,
    /// The whole URL, as it is called.
    pub url: &'a str,
    /// The bytes of the body.
    pub body: &'a [u8],
}

/// A signature of one's own, described: an HMAC over a text that the call is put into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacSigning {
    /// The hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written: hexadecimal in lower case, or base64.
    #[serde(default)]
    pub encoding: Encoding,
    /// What the secret is: the key itself, or its bytes in base64 or hexadecimal.
    #[serde(default)]
    pub key: KeyForm,
    /// The header with the signature.
    pub header: String,
    /// What stands before the signature in it, like `sha256=`; it may hold `{id}` and `{timestamp}`.
    #[serde(default)]
    pub prefix: String,
    /// What is signed: text with `{id}`, `{timestamp}`, `{method}`, `{url}` and `{body}`; `{body}` must be there.
    #[serde(default = "body")]
    pub signed: String,
    /// The header with the id.
    #[serde(default)]
    pub id_header: Option<String>,
    /// The header with the timestamp.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// How the timestamp is written.
    #[serde(default)]
    pub timestamp: TimestampForm,
}

/// What a secret is the key as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// Its text.
    #[default]
    Text,
    /// The bytes that it is the base64 of.
    Base64,
    /// The bytes that it is the hexadecimal of.
    Hex,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimestampForm {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// RFC 3339.
    Rfc3339,
}

/// The bytes of a key.
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

fn body() -> String {
    "{body}".into()
}

/// The headers of Standard Webhooks, signed with every key that is one.
pub(super) fn standard_webhooks(secrets: &[String], call: &ToSign<'_>) -> Vec<(String, String)> {
    let keys: Vec<_> = secrets.iter().filter_map(|secret| signature::parse_secret(secret).ok()).collect();
    let timestamp = call.at.0.div_euclid(1_000);
    let signature = signature::sign_all(&keys, call.id, timestamp, call.body);
    [("webhook-id", call.id.to_owned()), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

impl HmacSigning {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        check_name("auth.header", &self.header)?;
        check_visible("auth.prefix", &self.prefix)?;
        short("auth.prefix", &self.prefix)?;
        if self.signed.len() > limits::ACCESS_TEMPLATE_BYTES {
            return Err(Invalid::too_long("auth.signed", self.signed.len(), limits::ACCESS_TEMPLATE_BYTES));
        }
        let signs = |placeholder| parts(&self.signed).any(|part| part == placeholder);
        if !signs("{body}") {
            return Err(Invalid::new("auth.signed", "{body} is not in it"));
        }
        let mut names = vec![&self.header];
        for (field, name) in [("auth.id_header", &self.id_header), ("auth.timestamp_header", &self.timestamp_header)] {
            let Some(name) = name else { continue };
            check_name(field, name)?;
            if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(Invalid::new(field, "another part of the signature has this header"));
            }
            names.push(name);
        }
        let is_sent = self.timestamp_header.is_some() || parts(&self.prefix).any(|part| part == "{timestamp}");
        if is_sent && !signs("{timestamp}") {
            return Err(Invalid::new("auth.signed", "{timestamp} is not in it: anybody could change the timestamp"));
        }
        if !is_sent && signs("{timestamp}") {
            return Err(Invalid::new("auth.timestamp_header", "missing; `signed` names {timestamp}"));
        }
        Ok(())
    }

    /// The key that a secret is.
    ///
    /// # Errors
    /// What is wrong with it, without saying it.
    pub(super) fn key(&self, secret: &str) -> Result<Key, Invalid> {
        let wrong = |problem| Invalid::new("access_secret", problem);
        let key = match self.key {
            KeyForm::Text => Some(secret.as_bytes().to_vec()),
            KeyForm::Base64 => {
                let bare = secret.trim_end_matches('=');
                STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()
            }
            KeyForm::Hex => crate::portal::verify::hex(secret.as_bytes()),
        };
        let key = key.ok_or_else(|| wrong("it is not written as `auth.key` says"))?;
        if key.is_empty() { Err(wrong("empty")) } else { Ok(Key(key)) }
    }

    /// The headers of a call that is signed with this key.
    pub(super) fn headers(&self, key: &Key, call: &ToSign<'_>) -> Vec<(String, String)> {
        let timestamp = match self.timestamp {
            TimestampForm::Seconds => call.at.0.div_euclid(1_000).to_string(),
            TimestampForm::Milliseconds => call.at.0.to_string(),
            TimestampForm::Rfc3339 => call.at.to_string(),
        };
        let put = |part| -> &[u8] {
            match part {
                "{id}" => call.id.as_bytes(),
                "{timestamp}" => timestamp.as_bytes(),
                "{method}" => call.method.as_bytes(),
                "{url}" => call.url.as_bytes(),
                "{body}" => call.body,
                text => text.as_bytes(),
            }
        };
        let signed: Vec<&[u8]> = parts(&self.signed).map(put).collect();
        let mac = match self.algorithm {
            Algorithm::Sha1 => mac::<Hmac<Sha1>>(&key.0, &signed),
            Algorithm::Sha256 => mac::<Hmac<Sha256>>(&key.0, &signed),
            Algorithm::Sha512 => mac::<Hmac<Sha512>>(&key.0, &signed),
        };
        let mac = match self.encoding {
            Encoding::Hex => mac.iter().map(|byte| format!("{byte:02x}")).collect(),
            Encoding::Base64 => STANDARD.encode(mac),
        };
        let prefix: String = parts(&self.prefix)
            .map(|part| match part {
                "{id}" => call.id,
                "{timestamp}" => timestamp.as_str(),
                text => text,
            })
            .collect();
        let mut headers = vec![(self.header.to_ascii_lowercase(), format!("{prefix}{mac}"))];
        headers.extend(self.id_header.iter().map(|name| (name.to_ascii_lowercase(), call.id.to_owned())));
        headers.extend(self.timestamp_header.iter().map(|name| (name.to_ascii_lowercase(), timestamp.clone())));
        headers
    }
}
