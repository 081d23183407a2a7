//! Somebody who signs tokens with a key of her own, made on the spot: an identity provider, or an impostor.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey, Header, jwk::Jwk};
use serde_json::Value;

/// See the module.
pub struct Signer {
    /// The `kid` her tokens and her key in a set carry.
    pub kid: Option<String>,
    algorithm: Algorithm,
    encoding: EncodingKey,
    /// Her public key in PEM.
    pub pem: String,
    /// Her private key in PEM.
    pub private_pem: String,
}

impl Signer {
    /// Makes a key that can sign like this.
    pub fn new(algorithm: Algorithm) -> Self {
        let (private, public) = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let curve = match algorithm {
                    Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                let pair = EcdsaKeyPair::generate(curve).expect("a key");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
                let private = pair.to_pkcs8v1().expect("DER");
                (private.as_ref().to_vec(), public.as_ref().to_vec())
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().expect("a key");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
                (pair.to_pkcs8v1().expect("DER").as_ref().to_vec(), public.as_ref().to_vec())
            }
            _ => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
                let private: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
                (private.as_ref().to_vec(), public.as_ref().to_vec())
            }
        };
        let private_pem = pem("PRIVATE KEY", &private);
        let encoding = match algorithm.family() {
            AlgorithmFamily::Ec => EncodingKey::from_ec_pem(private_pem.as_bytes()),
            AlgorithmFamily::Ed => EncodingKey::from_ed_pem(private_pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(private_pem.as_bytes()),
        };
        let encoding = encoding.expect("a signing key");
        Self { kid: None, algorithm, encoding, pem: pem("PUBLIC KEY", &public), private_pem }
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
        jsonwebtoken::encode(header, claims, &self.encoding).expect("a token")
    }

    /// Her key as an entry of a JWKS.
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.encoding, self.algorithm).expect("a JWK");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        if let Some(kid) = &self.kid {
            jwk["kid"] = kid.as_str().into();
        }
        jwk["use"] = "sig".into();
        jwk
    }
}

/// DER in PEM.
pub fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}
