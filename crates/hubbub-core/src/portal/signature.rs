//! How our webhooks are signed: [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0, symmetric (`v1`).

use crate::model::ids::Invalid;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes that the specification allows a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What webhooks are signed with: 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Reads `whsec_` and the base64 of 24 to 64 bytes.
///
/// # Errors
/// What is wrong with it, without saying it.
pub fn parse_secret(secret: &str) -> Result<SigningKey, Invalid> {
    let wrong = |problem: &str| Invalid::new("secret", problem);
    let written = secret.strip_prefix(PREFIX).ok_or_else(|| wrong("it begins with whsec_"))?;
    let key = STANDARD.decode(written).map_err(|_| wrong("no base64 after whsec_"))?;
    if !KEY_BYTES.contains(&key.len()) {
        return Err(wrong(&format!("{} bytes after whsec_; it is 24 to 64 bytes in base64", key.len())));
    }
    Ok(SigningKey(key))
}

/// The secret of these bytes, which must come from a good source.
pub fn make_secret(bytes: [u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

impl SigningKey {
    /// The signature, `v1,…`: over the id, the time in seconds since 1970, and the bytes of the body.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mac = self.mac(id.as_bytes(), timestamp_s.to_string().as_bytes(), body);
        format!("v1,{}", STANDARD.encode(mac))
    }

    /// The bytes of the signature, of an id and a timestamp as they were written.
    pub(super) fn mac(&self, id: &[u8], timestamp: &[u8], body: &[u8]) -> Vec<u8> {
        mac::<Hmac<Sha256>>(&self.0, &[id, b".", timestamp, b".", body])
    }
}

/// The signatures by all of these keys with a space between: while a secret is replaced, the receiver may know either.
pub fn sign_all(keys: &[SigningKey], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, timestamp_s, body)).collect::<Vec<_>>().join(" ")
}

/// The HMAC of the parts one after another.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(super) fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    #[test]
    fn the_published_vector_is_met() {
        assert_eq!(parse_secret(SECRET).unwrap().sign(ID, 1_649_367_553, BODY), SIGNATURE);
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let other = make_secret([7; 32]);
        let keys = [parse_secret(&other).unwrap(), parse_secret(SECRET).unwrap()];
        let signed = sign_all(&keys, ID, 1_649_367_553, BODY);
        let each: Vec<_> = signed.split(' ').collect();
        assert_eq!((each.len(), each[1]), (2, SIGNATURE));
        assert_ne!(each[0], SIGNATURE);
        assert_eq!(sign_all(&[], ID, 0, BODY), "");
    }

    #[test]
    fn a_secret_has_24_to_64_bytes_in_base64() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for (secret, good) in [
            (of(23), false),
            (of(24), true),
            (of(64), true),
            (of(65), false),
            ("whsec_".into(), false),
            (String::new(), false),
            (of(32)[6..].to_owned(), false),
            ("whsec_$$$$".into(), false),
        ] {
            assert_eq!(parse_secret(&secret).is_ok(), good, "{secret}");
        }
        let refused = parse_secret("whsec_c2hvcnQ=").unwrap_err().to_string();
        assert_eq!(refused, "secret: 5 bytes after whsec_; it is 24 to 64 bytes in base64");
        assert_eq!(format!("{:?}", parse_secret(SECRET).unwrap()), "SigningKey(…)");
    }
}
