//! What OpenSSL signed.

use super::*;
use serde_json::{Value, json};

/// The body, and what is signed where the timestamp is signed, too.
const BODY: &str = r#"{"a":1}"#;
const AT: i64 = 1_700_000_000;

const RSA_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5dL+ctPM1BQG1OGVJUDBuntEs7xbBteUrBPUVwgKzwxZkSMQ4V81bm2gD0CgYcRQTvfoWiNnOp0Jb7ck6xKvtF2kwTh39FgH7DJqi+4vrN3Xjn2NquU2lKcUjqSsRVgjJ8QtXdntLHCEd0KXDPW/dPvHx/KFPYkON+K+7emryorDPmzxi5JjOba9P6g9t7SBpyw2aRji3GYH1BLfTAsaLf210rSxB/lg4iU/Pz4q7n1Uj1qJNpY2x24K9ilZ3WuyCdMAYiCAk7b/W5XdduxIbN3sDsWXhBiRhszqn47jezzBXKoU4IRMwbO4AaNo0bOAdupu9kWRZzCCo9sFGdba5QIDAQAB";
/// The same key, as PKCS #1 has it.
const RSA_KEY_ALONE: &str = "MIIBCgKCAQEA5dL+ctPM1BQG1OGVJUDBuntEs7xbBteUrBPUVwgKzwxZkSMQ4V81bm2gD0CgYcRQTvfoWiNnOp0Jb7ck6xKvtF2kwTh39FgH7DJqi+4vrN3Xjn2NquU2lKcUjqSsRVgjJ8QtXdntLHCEd0KXDPW/dPvHx/KFPYkON+K+7emryorDPmzxi5JjOba9P6g9t7SBpyw2aRji3GYH1BLfTAsaLf210rSxB/lg4iU/Pz4q7n1Uj1qJNpY2x24K9ilZ3WuyCdMAYiCAk7b/W5XdduxIbN3sDsWXhBiRhszqn47jezzBXKoU4IRMwbO4AaNo0bOAdupu9kWRZzCCo9sFGdba5QIDAQAB";
const RSA_SHA256: &str = "iGXN1Qk8HE04nPK2ZLUuufdjjZpNQIyED9DMR+QlGWB9+4rqILpCaANeaCR9CbaE1r5q5mh3ruRarn5/1H+cxR3ST5XMOyPQzbwxhUb1MdpiE8RjRj18pzCYxsMvocFsVyV3OLvPFYDwAn0cDZDiRrFvNIJ7XFNJZonh97LmhaGpDm79+rDbbUgueFYrBacir0HtvGAcIyfmOrA1d8ZAH4YR5OVOFqBQiJQLjB9TDjXNtQngpmg6c9fU+wntJOHn29FkTGNbuNT3Wocp3uvvOh0ASzankPnXA3x3p5NFrXScQL7bgAW7BoGNaU8k5jOk5aHFG1Kt+UonSw+vuKe9eA==";
const RSA_SHA512: &str = "OebXgRfUpMwGEkAVzmirp4Yt9gZeFK/ITrdqL2+O43B3+qi+hgNUmIi13K9BkbEA67iPIHOo+FcV4BG9uhdSjHSab6vaJw8KJ38HjM9vPGFKbdQWxgRs8ii3/7hDTpAO2OSd3tYzh/OjHEztWboOpTuoO7Cu7MKz+PlY2YVs3kB6p9fig9pD3oU/SN0X/nWHOqaqJTOG29JBoO5UZymi+I9ciwiX1kpL9xUmCOv2Vsjv7A7ucd4zKPW0ib5uFnCHAXCC8sEcH7sPiJXPkZnwDWNdTaPOCmYsXHib+0CeF5p2nQB57yVP2iccIDLjYlde8AYQU1dtFn61jVcOKFAnoQ==";
const RSA_PSS: &str = "EmeYISpLXvYdLDavg/L+LM/MZ+HHfEEweaS7290tT4emxVakP47pIApixDwJeHWH565Jvcc26f3F8dL8uinxRb5NoOTdl5Y452YveXD9ydE1BKd4nu1ymJ65Kz+FQjxHg4wzjj3fAeGcLWdk3bz3gP/uqD18dE+ifwQGaslKuZmzzbpaG6b/PNwsTZP6desrAN75tbpSfqxDITcYvnFNoVI5SZNuDE1un3gEzjwOry2YSa4dP+9969Vsvg2lehhTjmULlGFmFbExVdipOZO9AB/MgZJfmiobmB1BsaIccYRm0ld1r6qLx3eaLm/qWDIEMVQfgZOWOjGOZkUUe1t6xg==";
const SHORT_RSA_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDHVFnlv823Xi3bLtsiJGWh6mvd+FAFjFU5Los1vvGgV8r5soxST5cnt5GgB1u6EVDcSbYjsim14h/Iqu6L16bqGSIvLv0r9rD5UUF54JxFErHTp0kXkavBtmueKEaEOerWafaLk5tczGW/Bjs3FRGl/iky2HHiTFB6rNlkgwx9twIDAQAB";
const EC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbgur56MmR5JtmF35C3MnDGahSaOKPJ5FOTfPQBUJ0dtNZoimRn4WhfklwgdUt4pmtIhbTbQRfO63nWLR1qN00A==";
const EC_SIGNED: &str =
    "MEYCIQDG8Tj91ai+6EuQdKEowvEh4TJHhTHRJiJqPZnvsPlI7gIhAJ3B6NJrLts06fTPXVXvSSqQmPdS/p7f4MMBzu5rDvNI";
const ED_KEY: &str = "MCowBQYDK2VwAyEABbPnlh2olzb8z2rmet60e97wZj0223WU93r60kfcpSY=";
const ED_KEY_ALONE: &str = "05b3e7961da89736fccf6ae67adeb47bdef0663d36db7594f77afad247dca526";
const ED_SIGNED: &str = "42240bf6828163a1fa7506d86965d599281752631ddb958e72110fb433d2ad72729720805d80a395a04b6d7acd551ac6474764b1bf08271016cbf3d50429ac0b";

fn template(json: Value) -> PublicKeyTemplate {
    serde_json::from_value(json).unwrap()
}

fn rsa(algorithm: &str) -> PublicKeyTemplate {
    template(json!({ "header": "X-Signature", "algorithm": algorithm }))
}

/// With the timestamp, as several vendors sign.
fn dated(algorithm: &str, encoding: &str) -> PublicKeyTemplate {
    template(json!({ "header": "X-Signature", "algorithm": algorithm, "encoding": encoding,
        "signed": "{timestamp}|{body}", "timestamp_header": "X-Timestamp" }))
}

fn pem(kind: &str, key: &str, line: &str) -> String {
    format!("-----BEGIN {kind} KEY-----{line}{key}{line}-----END {kind} KEY-----")
}

fn verified(by: &PublicKeyTemplate, keys: &[&str], signature: &str, body: &str, now: i64) -> Result<usize, Unverified> {
    let headers = |name: &str| match name {
        "x-signature" => Some(signature.as_bytes()),
        "x-timestamp" => Some("1700000000".as_bytes()),
        _ => None,
    };
    let request =
        Signed { method: "POST", url: None, query: None, headers: &headers, body: body.as_bytes(), path_secret: None };
    by.verify(keys, &request, now)
}

#[test]
fn what_the_owner_of_the_key_has_signed_is_believed_and_nothing_else() {
    for (by, key, signature) in [
        (rsa("rsa_sha256"), RSA_KEY, RSA_SHA256),
        (rsa("rsa_sha512"), RSA_KEY, RSA_SHA512),
        (rsa("rsa_pss_sha256"), RSA_KEY_ALONE, RSA_PSS),
        (dated("ecdsa_sha256", "base64"), EC_KEY, EC_SIGNED),
        (dated("ed25519", "hex"), ED_KEY_ALONE, ED_SIGNED),
    ] {
        by.check_key(key).unwrap();
        assert_eq!(verified(&by, &[key], signature, BODY, AT), Ok(0), "{by:?}");
        let replaced = verified(&by, &["no key", SHORT_RSA_KEY, key], signature, BODY, AT);
        assert_eq!(replaced, Ok(2), "{by:?}: while it is replaced");
        let others = [RSA_SHA256, RSA_SHA512, RSA_PSS, EC_SIGNED, ED_SIGNED, "", "AAAA"];
        for other in others.into_iter().filter(|other| *other != signature) {
            assert!(verified(&by, &[key], other, BODY, AT).is_err(), "{by:?} {other}");
        }
        assert_eq!(verified(&by, &[key], signature, r#"{"a":2}"#, AT), Err(Unverified::SignatureMismatch));
        assert_eq!(verified(&by, &[], signature, BODY, AT), Err(Unverified::SignatureMismatch));
        if by.timestamp_header.is_some() {
            let late = verified(&by, &[key], signature, BODY, AT + 301);
            assert!(matches!(late, Err(Unverified::OutOfTolerance { .. })), "{late:?}");
        }
    }
}

#[test]
fn a_key_is_read_however_a_vendor_shows_it() {
    let broken: Vec<&str> = RSA_KEY.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for written in [
        pem("PUBLIC", RSA_KEY, "\n"),
        // What calls itself PKCS #1 and is none, on one line.
        pem("RSA PUBLIC", RSA_KEY, " "),
        pem("RSA PUBLIC", RSA_KEY_ALONE, "\r\n"),
        pem("PUBLIC", &broken.join("\n"), "\n"),
        RSA_KEY.to_owned(),
        format!(" {RSA_KEY_ALONE}\n"),
    ] {
        assert_eq!(verified(&rsa("rsa_sha256"), &[&written], RSA_SHA256, BODY, AT), Ok(0), "{written}");
    }
    let raw = BASE64.encode(hex(ED_KEY_ALONE.as_bytes()).unwrap());
    for written in [ED_KEY, ED_KEY_ALONE, &raw, &pem("PUBLIC", ED_KEY, "\n")] {
        assert_eq!(verified(&dated("ed25519", "hex"), &[written], ED_SIGNED, BODY, AT), Ok(0), "{written}");
    }
}

#[test]
fn what_is_no_key_for_the_algorithm_is_refused_in_words() {
    let says = |by: &PublicKeyTemplate, key: &str| by.check_key(key).unwrap_err().to_string();
    for (key, why) in [
        (ED_KEY, "a key for Ed25519, which `algorithm` is not"),
        (EC_KEY, "a key for ECDSA on P-256, which `algorithm` is not"),
        (SHORT_RSA_KEY, "an RSA key of 1024 bits; it is 2048 to 8192"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "this is a private key"),
        ("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "openssl x509 -pubkey"),
        ("a shared secret, which is no key", "no public key: PEM is wanted"),
        ("", "no public key"),
        (&RSA_KEY[..200], "no public key"),
    ] {
        assert!(says(&rsa("rsa_sha256"), key).contains(why), "{}", says(&rsa("rsa_sha256"), key));
    }
    assert!(says(&rsa("ed25519"), RSA_KEY).contains("a key for RSA"));
}

#[test]
fn whatever_is_given_as_a_key_is_read_or_refused() {
    let der = BASE64.decode(RSA_KEY).unwrap();
    for end in 0..der.len() {
        assert!(PublicKey::read(&BASE64.encode(&der[..end])).is_err() || end == 32, "{end}");
    }
    for at in 0..40 {
        for byte in [0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff] {
            let mut other = der.clone();
            other[at] = byte;
            let _ = PublicKey::read(&BASE64.encode(&other));
        }
    }
}

#[test]
fn nothing_is_answered_with_a_key_that_everybody_knows() {
    let verify = super::super::Verify::PublicKey(rsa("rsa_sha256"));
    let zoom = json!({ "when": { "/event": ["endpoint.url_validation"] }, "reply_json": { "token": { "hmac": "/payload/token" } } });
    let challenge: crate::portal::challenge::Challenge = serde_json::from_value(zoom).unwrap();
    assert!(challenge.check_beside(&verify).unwrap_err().to_string().contains("no answer is made with a public key"));
    let slack = json!({ "when": { "/type": ["url_verification"] }, "reply": "/challenge" });
    let challenge: crate::portal::challenge::Challenge = serde_json::from_value(slack).unwrap();
    challenge.check_beside(&verify).unwrap();
}

#[test]
fn it_is_a_scheme_like_others() {
    let verify: super::super::Verify =
        serde_json::from_value(json!({ "scheme": "public_key", "header": "X-Signature" })).unwrap();
    verify.check().unwrap();
    assert!(verify.is_by_public_key() && verify.signs_body() && !verify.keeps_digest() && !verify.signs_query());
    assert_eq!(verify.stored(RSA_KEY).as_deref(), Ok(RSA_KEY));
    assert!(verify.stored("a shared secret of some length").is_err());
    for wrong in [
        json!({ "scheme": "public_key", "header": "a b" }),
        json!({ "scheme": "public_key", "header": "X", "signed": "{timestamp}" }),
        json!({ "scheme": "public_key", "header": "X", "signed": "{timestamp}{body}" }),
        json!({ "scheme": "public_key", "header": "X", "timestamp_header": "Y" }),
    ] {
        let verify: super::super::Verify = serde_json::from_value(wrong.clone()).unwrap();
        assert!(verify.check().is_err(), "{wrong}");
    }
    assert!(
        serde_json::from_value::<super::super::Verify>(json!({ "scheme": "public_key", "header": "X", "key": "hex" }))
            .is_err()
    );
}
