//! Signatures by a key pair: the vendor signs with the key that it alone has, and what is kept here is the public one.

use super::{Encoding, HmacTemplate, Signed, Unverified, check::BASE64, check::hex, template::body, tolerance};
use crate::model::ids::Invalid;
use base64::Engine;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A signature by a key pair, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyTemplate {
    /// How it is signed.
    #[serde(default)]
    pub algorithm: KeyAlgorithm,
    /// How the signature is written.
    #[serde(default = "base64")]
    pub encoding: Encoding,
    /// The header with the signature.
    pub header: String,
    /// What stands before the signature in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What is signed: text with `{id}`, `{timestamp}`, `{method}`, `{url}`, `{query}` and `{body}`; `{body}` must be there.
    #[serde(default = "body")]
    pub signed: String,
    /// The header with the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// The header with the timestamp: seconds or milliseconds since 1970, or RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// How far the timestamp may be from now.
    #[serde(default = "tolerance")]
    pub tolerance_seconds: u64,
}

/// How something is signed by a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    #[default]
    RsaSha256,
    /// RSA, PKCS #1 v1.5, SHA-512.
    RsaSha512,
    /// RSA, PSS, SHA-256.
    RsaPssSha256,
    /// ECDSA on P-256, SHA-256; the signature as ASN.1 or as two numbers of 32 bytes.
    EcdsaSha256,
    /// Ed25519.
    Ed25519,
}

const fn base64() -> Encoding {
    Encoding::Base64
}

/// A public key.
#[derive(Debug, PartialEq, Eq)]
enum PublicKey {
    /// Modulus and exponent, as PKCS #1 has them.
    Rsa(Vec<u8>),
    /// A point of P-256.
    P256(Vec<u8>),
    /// A point of Ed25519.
    Ed25519(Vec<u8>),
}

impl PublicKeyTemplate {
    /// The same as far as it is the same for an HMAC.
    pub(super) fn described(&self) -> HmacTemplate {
        HmacTemplate {
            encoding: self.encoding,
            prefix: self.prefix.clone(),
            id_header: self.id_header.clone(),
            timestamp_header: self.timestamp_header.clone(),
            tolerance_seconds: self.tolerance_seconds,
            ..HmacTemplate::of(&self.header, &self.signed)
        }
    }

    /// Checks that a key is one, and one for this algorithm.
    pub(super) fn check_key(&self, text: &str) -> Result<(), Invalid> {
        self.key(text).map(|_| ()).map_err(|why| Invalid::new("secret", why))
    }

    fn key(&self, text: &str) -> Result<Vec<u8>, String> {
        use KeyAlgorithm as By;
        match (self.algorithm, PublicKey::read(text)?) {
            (By::RsaSha256 | By::RsaSha512 | By::RsaPssSha256, PublicKey::Rsa(key))
            | (By::EcdsaSha256, PublicKey::P256(key))
            | (By::Ed25519, PublicKey::Ed25519(key)) => Ok(key),
            (_, other) => Err(format!("a key for {}, which `algorithm` is not", other.kind())),
        }
    }

    pub(super) fn verify(&self, keys: &[&str], request: &Signed<'_>, now_s: i64) -> Result<usize, Unverified> {
        let described = self.described();
        let read = described.read(request, now_s)?;
        let signed = read.parts.concat();
        let is_by = |key: &&str| {
            let Ok(key) = self.key(key) else { return false };
            let is_right = |by: &'static dyn VerificationAlgorithm, signature: &[u8]| {
                UnparsedPublicKey::new(by, &key).verify(&signed, signature).is_ok()
            };
            read.given.iter().any(|one| self.algorithm.rules().iter().any(|by| is_right(*by, one)))
        };
        keys.iter().position(is_by).ok_or(Unverified::SignatureMismatch)
    }
}

impl KeyAlgorithm {
    /// The ways in which such a signature may be written.
    fn rules(self) -> Vec<&'static dyn VerificationAlgorithm> {
        match self {
            Self::RsaSha256 => vec![&RSA_PKCS1_2048_8192_SHA256],
            Self::RsaSha512 => vec![&RSA_PKCS1_2048_8192_SHA512],
            Self::RsaPssSha256 => vec![&RSA_PSS_2048_8192_SHA256],
            Self::EcdsaSha256 => vec![&ECDSA_P256_SHA256_ASN1, &ECDSA_P256_SHA256_FIXED],
            Self::Ed25519 => vec![&ED25519],
        }
    }
}

/// `rsaEncryption`, `ecPublicKey`, the curve P-256, and Ed25519, as DER has them.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ED: &[u8] = &[0x2b, 0x65, 0x70];
/// Tags of DER.
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

impl PublicKey {
    /// Reads one as vendors show it: PEM, however its lines are broken and whatever it calls itself; the base64 in it alone; or,
    /// of Ed25519, the 32 bytes in hexadecimal or base64.
    fn read(text: &str) -> Result<Self, String> {
        if text.contains("PRIVATE KEY") {
            return Err("this is a private key, which only the vendor should have".into());
        }
        if text.contains("CERTIFICATE") {
            return Err("this is a certificate: `openssl x509 -pubkey -noout` takes the public key out".into());
        }
        let within = text.split_once("KEY-----").and_then(|(_, rest)| rest.split_once("-----END"));
        let written: String = within.map_or(text, |(within, _)| within).split_whitespace().collect();
        let bytes = Some(written.as_bytes()).filter(|written| written.len() == 64).and_then(hex);
        let bytes = bytes.or_else(|| BASE64.decode(&written).ok());
        let key =
            bytes.and_then(|bytes| if bytes.len() == 32 { Some(Self::Ed25519(bytes)) } else { Self::of_der(&bytes) });
        let key =
            key.ok_or("no public key: PEM is wanted, or the base64 in it; for Ed25519 also 32 bytes in hexadecimal")?;
        key.check()?;
        Ok(key)
    }

    /// Of PKCS #1, or of `SubjectPublicKeyInfo` (RFC 5280).
    fn of_der(der: &[u8]) -> Option<Self> {
        let (whole, []) = element(der, SEQUENCE)? else { return None };
        if element(whole, INTEGER).is_some() {
            return Some(Self::Rsa(der.to_vec()));
        }
        let (algorithm, rest) = element(whole, SEQUENCE)?;
        let (bits, []) = element(rest, BITS)? else { return None };
        let key = bits.strip_prefix(&[0])?.to_vec();
        let (kind, parameters) = element(algorithm, OID)?;
        match kind {
            RSA => Some(Self::Rsa(key)),
            EC if element(parameters, OID)?.0 == P256 => Some(Self::P256(key)),
            ED => Some(Self::Ed25519(key)),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Rsa(key) => {
                let modulus = element(key, SEQUENCE).and_then(|(numbers, _)| element(numbers, INTEGER));
                let modulus = modulus.map(|(modulus, _)| modulus.strip_prefix(&[0]).unwrap_or(modulus));
                match modulus.map_or(0, <[u8]>::len) {
                    256..=1024 => Ok(()),
                    bytes => Err(format!("an RSA key of {} bits; it is 2048 to 8192", bytes * 8)),
                }
            }
            Self::P256(key) if key.len() == 65 && key[0] == 4 => Ok(()),
            Self::Ed25519(key) if key.len() == 32 => Ok(()),
            Self::P256(_) | Self::Ed25519(_) => Err(format!("its point is none of {}", self.kind())),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::P256(_) => "ECDSA on P-256",
            Self::Ed25519(_) => "Ed25519",
        }
    }
}

/// What is in the element of DER at the beginning, which must have this tag, and what comes behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    if *found != tag {
        return None;
    }
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
