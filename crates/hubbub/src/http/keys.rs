//! Keys of the REST API.

use sha2::{Digest, Sha256};
use std::sync::{PoisonError, RwLock};
use subtle::ConstantTimeEq;

/// The keys that open `/v1`. None: it is closed. SHA-256 of each is kept: equal lengths, so that comparing tells nothing.
#[derive(Debug, Default)]
pub struct ApiKeys(RwLock<Vec<[u8; 32]>>);

impl ApiKeys {
    /// These keys.
    pub fn new(keys: &[String]) -> Self {
        Self(RwLock::new(digests(keys)))
    }

    /// These keys from now on.
    pub fn replace(&self, keys: &[String]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = digests(keys);
    }

    /// Whether this is one of them.
    pub fn know(&self, key: &str) -> bool {
        let given = digest(key);
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Every key is compared, so that the time tells neither which nor how many fit.
        keys.iter().fold(subtle::Choice::from(0), |any, key| any | key.ct_eq(&given)).into()
    }
}

fn digests(keys: &[String]) -> Vec<[u8; 32]> {
    keys.iter().map(|key| digest(key)).collect()
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
