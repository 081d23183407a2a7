//! Keys that tokens are checked with. What a key is good for, the key says; a token's header only picks among that.

use super::points;
use crate::crypto;
use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hubbub_core::limits::TOKEN_KEYS;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use ring::agreement::{ECDH_P256, ECDH_P384};

/// One key, with the algorithms it may be used for.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

impl Key {
    /// A shared secret: HS256 and nothing else.
    pub fn secret(secret: &str) -> Self {
        Self { id: None, algorithms: vec![Algorithm::HS256], decoding: DecodingKey::from_secret(secret.as_bytes()) }
    }

    /// The public keys of a PEM file: one, or several one after another.
    ///
    /// # Errors
    /// What is wrong with which block, and what to do; nothing of the file is quoted.
    pub fn of_pem(text: &str) -> anyhow::Result<Vec<Self>> {
        let begin = "-----BEGIN ";
        let mut keys = Vec::new();
        for (n, block) in text.split(begin).skip(1).enumerate() {
            let kind = block.split("-----").next().unwrap_or_default();
            let of_block = format!("block {}, {}", n + 1, kind.chars().take(32).collect::<String>());
            keys.push(Self::of_block(kind, &format!("{begin}{block}")).context(of_block)?);
        }
        ensure!(!keys.is_empty(), "there is no PEM block; -----BEGIN PUBLIC KEY----- is expected");
        ensure!(keys.len() <= TOKEN_KEYS, "{} keys; the limit is {TOKEN_KEYS}", keys.len());
        Ok(keys)
    }

    fn of_block(kind: &str, block: &str) -> anyhow::Result<Self> {
        if kind.ends_with("PRIVATE KEY") {
            bail!(
                "this is a private key, which only who signs should have: `openssl pkey -pubout` makes the public one"
            );
        }
        if kind == "CERTIFICATE" {
            bail!("this is a certificate: `openssl x509 -pubkey -noout` takes the public key out");
        }
        let block = block.as_bytes();
        let families = [DecodingKey::from_ed_pem, DecodingKey::from_ec_pem, DecodingKey::from_rsa_pem];
        let decoding = families.iter().find_map(|family| family(block).ok());
        let decoding = decoding.context("an RSA, ECDSA or Ed25519 public key in PEM is expected, and this is none")?;
        Self::of_public(None, decoding, None)
    }

    /// A key of a JWKS, if it can be used to check signatures here.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn of_jwk(jwk: &Jwk) -> anyhow::Result<Self> {
        let common = &jwk.common;
        if matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) {
            bail!("kty oct: a symmetric key that is published is nobody's secret");
        }
        if common.public_key_use.as_ref().is_some_and(|it| *it != PublicKeyUse::Signature) {
            bail!("its use is not sig");
        }
        if common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
            bail!("its key_ops are without verify");
        }
        if let AlgorithmParameters::EllipticCurve(it) = &jwk.algorithm
            && !matches!(it.curve, EllipticCurve::P256 | EllipticCurve::P384)
        {
            bail!("a curve that is not known here; P-256 and P-384 are");
        }
        if let AlgorithmParameters::OctetKeyPair(it) = &jwk.algorithm
            && it.curve != EllipticCurve::Ed25519
        {
            bail!("a curve that is not known here; Ed25519 is");
        }
        let decoding = DecodingKey::from_jwk(jwk).ok().context("not an RSA, ECDSA or Ed25519 public key")?;
        if let AlgorithmParameters::EllipticCurve(it) = &jwk.algorithm {
            // A point is written as one byte and two numbers of the curve's length.
            let point = if it.curve == EllipticCurve::P256 { 1 + 2 * 32 } else { 1 + 2 * 48 };
            let bytes = decoding.try_get_as_bytes().map_or(0, <[u8]>::len);
            ensure!(bytes == point, "its x and y are not of its curve");
        }
        Self::of_public(common.key_id.clone(), decoding, common.key_algorithm)
    }

    fn of_public(id: Option<String>, decoding: DecodingKey, only: Option<KeyAlgorithm>) -> anyhow::Result<Self> {
        crypto::install();
        let parts = Jwk::from_decoding_key(&decoding, None).ok().context("its numbers make no key")?;
        let mut algorithms = match &parts.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let number = |text: &str| URL_SAFE_NO_PAD.decode(text).context("its numbers are no base64");
                points::rsa(&number(&rsa.n)?, &number(&rsa.e)?)?;
                RSA.to_vec()
            }
            AlgorithmParameters::EllipticCurve(ec) => {
                let point = decoding.try_get_as_bytes().ok().context("its point")?;
                match ec.curve {
                    EllipticCurve::P256 => points::curve(&ECDH_P256, point).map(|()| vec![Algorithm::ES256])?,
                    EllipticCurve::P384 => points::curve(&ECDH_P384, point).map(|()| vec![Algorithm::ES384])?,
                    _ => bail!("a curve that is not known here; P-256 and P-384 are"),
                }
            }
            _ => {
                points::ed25519(decoding.try_get_as_bytes().ok().context("its point")?)?;
                vec![Algorithm::EdDSA]
            }
        };
        if let Some(only) = only {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
            ensure!(!algorithms.is_empty(), "its alg is none that a key of its type has here");
        }
        Ok(Self { id, algorithms, decoding })
    }

    /// Its `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether a token may be signed like this.
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// RSA, ECDSA and so on.
    pub fn family(&self) -> AlgorithmFamily {
        self.decoding.family()
    }

    /// What it may be used for.
    pub(super) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.family() {
            AlgorithmFamily::Hmac => "a secret",
            AlgorithmFamily::Rsa => "RSA",
            AlgorithmFamily::Ec => "ECDSA",
            AlgorithmFamily::Ed => "Ed25519",
        };
        let algorithms: Vec<_> = self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        write!(f, "{kind} ({})", algorithms.join(", "))
    }
}
