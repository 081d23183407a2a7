//! Somebody who signs tokens with a key of her own: an identity provider, or an impostor.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, Header};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaEncoding, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// RSA keys for tests alone, because ring makes none. They were made by `openssl genpkey`, which takes its time, too.
const RSA_KEYS: &str = include_str!("rsa_keys.pem");

/// What stands before the public key in its DER, where the key's length is always the same.
const P256_HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3,
    0x42, 0,
];
const P384_HEAD: &[u8] =
    &[0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22, 3, 0x62, 0];
const ED25519_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// The same for RSA keys of 2048 bits, whose exponent has three bytes.
const RSA_HEAD: &[u8] =
    &[0x30, 0x82, 1, 0x22, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 3, 0x82, 1, 0x0f, 0];

/// See the module.
pub struct Signer {
    /// The `kid` her tokens and her key in a set carry.
    pub kid: Option<String>,
    algorithm: Algorithm,
    pair: Pair,
    /// Her public key in PEM.
    pub pem: String,
    /// Her private key in PEM.
    pub private_pem: String,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Curve(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    /// Somebody with a key that can sign like this, which nobody else in this process has.
    pub fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let (private, public, pair) = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let (curve, head) = match algorithm {
                    Algorithm::ES256 => (&ECDSA_P256_SHA256_FIXED_SIGNING, P256_HEAD),
                    _ => (&ECDSA_P384_SHA384_FIXED_SIGNING, P384_HEAD),
                };
                let private = EcdsaKeyPair::generate_pkcs8(curve, &random).expect("a key").as_ref().to_vec();
                let pair = EcdsaKeyPair::from_pkcs8(curve, &private, &random).expect("a key");
                (private, [head, pair.public_key().as_ref()].concat(), Pair::Curve(pair))
            }
            Algorithm::EdDSA => {
                let private = Ed25519KeyPair::generate_pkcs8(&random).expect("a key").as_ref().to_vec();
                let pair = Ed25519KeyPair::from_pkcs8(&private).expect("a key");
                (private, [ED25519_HEAD, pair.public_key().as_ref()].concat(), Pair::Ed(pair))
            }
            _ => {
                let private = next_rsa_key();
                let pair = RsaKeyPair::from_pkcs8(&private).expect("a key");
                (private, [RSA_HEAD, pair.public().as_ref()].concat(), Pair::Rsa(Box::new(pair)))
            }
        };
        let private_pem = pem("PRIVATE KEY", &private);
        Self { kid: None, algorithm, pair, pem: pem("PUBLIC KEY", &public), private_pem }
    }

    /// The same, with a `kid`.
    pub fn named(kid: &str, algorithm: Algorithm) -> Self {
        Self { kid: Some(kid.into()), ..Self::new(algorithm) }
    }

    /// A token with these claims.
    pub fn signs(&self, claims: &Value) -> String {
        self.signs_as(self.algorithm, claims)
    }

    /// The same, with another algorithm of the key's family.
    pub fn signs_as(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.signs_with(&Header { kid: self.kid.clone(), ..Header::new(algorithm) }, claims)
    }

    /// The same, with any header.
    pub fn signs_with(&self, header: &Header, claims: &Value) -> String {
        let header_json = serde_json::to_vec(header).expect("JSON");
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header_json), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(header.alg, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The signature of these bytes.
    pub fn signs_bytes(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(self.algorithm, message)
    }

    /// Her key as an entry of a JWKS.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.pair.jwk();
        jwk["alg"] = format!("{:?}", self.algorithm).into();
        if let Some(kid) = &self.kid {
            jwk["kid"] = kid.as_str().into();
        }
        jwk["use"] = "sig".into();
        jwk
    }
}

impl Pair {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let padding: &dyn RsaEncoding = match algorithm {
                    Algorithm::RS256 => &RSA_PKCS1_SHA256,
                    Algorithm::RS384 => &RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    Algorithm::PS384 => &RSA_PSS_SHA384,
                    Algorithm::PS512 => &RSA_PSS_SHA512,
                    other => panic!("an RSA key does not sign {other:?}"),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).expect("a signature");
                signature
            }
            Self::Curve(pair) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let text = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        match self {
            Self::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
            Self::Curve(pair) => {
                // One byte says that both numbers follow.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y) })
            }
            Self::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) }),
        }
    }
}

/// Another of [`RSA_KEYS`] for everybody, as PKCS #8 in DER.
fn next_rsa_key() -> Vec<u8> {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
    let key = RSA_KEYS.split("-----BEGIN PRIVATE KEY-----").skip(1).nth(taken);
    let key =
        key.expect("another RSA key: append one of `openssl genpkey -algorithm RSA` to tests/support/rsa_keys.pem");
    let text: String = key.split("-----END").next().expect("a key").split_whitespace().collect();
    STANDARD.decode(text).expect("base64")
}

/// DER in PEM.
pub fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}
