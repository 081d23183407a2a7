//! Signatures of tokens, as `jsonwebtoken` wants them from a provider of cryptography. All of its algorithms are checked here;
//! only secrets are signed with, because Hubbub makes no other tokens.

use super::der;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{Error, Signer, Verifier},
};
use ring::{
    hmac,
    signature::{
        self as ring_signature, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    },
};

pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils { rsa_pub_components_from_public_key: rsa_numbers, ..KeyUtils::new_unimplemented() },
};

/// A secret, and how it is used.
struct Secret(Algorithm, hmac::Key);

/// A public key, and how signatures by it are checked.
struct Public(Algorithm, DecodingKey);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if key.family() != AlgorithmFamily::Hmac {
        return Err(ErrorKind::UnsupportedAlgorithm.into());
    }
    Ok(Box::new(Secret(*algorithm, hmac::Key::new(hash(*algorithm)?, key.as_bytes()))))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(match algorithm.family() {
        AlgorithmFamily::Hmac => {
            Box::new(Secret(*algorithm, hmac::Key::new(hash(*algorithm)?, key.try_get_as_bytes()?)))
        }
        _ => Box::new(Public(*algorithm, key.clone())),
    })
}

fn hash(algorithm: Algorithm) -> Result<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Ok(hmac::HMAC_SHA256),
        Algorithm::HS384 => Ok(hmac::HMAC_SHA384),
        Algorithm::HS512 => Ok(hmac::HMAC_SHA512),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn curve(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &ring_signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &ring_signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &ring_signature::ED25519,
        _ => return None,
    })
}

fn rsa_numbers(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (modulus, exponent) =
        der::rsa_public_key(der).ok_or_else(|| ErrorKind::InvalidRsaKey("not an RSA public key in DER".into()))?;
    Ok((modulus.to_vec(), exponent.to_vec()))
}

impl Signer<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.1, message).as_ref().to_vec())
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

impl Verifier<Vec<u8>> for Secret {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        hmac::verify(&self.1, message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Secret {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verdict = match (self.1.kind(), rsa(self.0), curve(self.0)) {
            (DecodingKeyKind::RsaModulusExponent { n, e }, Some(rsa), _) => {
                // ring refuses numbers with zeros in front, which some providers write in a JWKS.
                let [n, e] = [n, e].map(|number| &number[number.iter().take_while(|byte| **byte == 0).count()..]);
                RsaPublicKeyComponents { n, e }.verify(rsa, message, signature)
            }
            (DecodingKeyKind::SecretOrDer(key), Some(rsa), _) => {
                UnparsedPublicKey::new(rsa, key).verify(message, signature)
            }
            (DecodingKeyKind::SecretOrDer(key), None, Some(curve)) => {
                UnparsedPublicKey::new(curve, key).verify(message, signature)
            }
            _ => return Err(Error::new()),
        };
        verdict.map_err(|_| Error::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}
