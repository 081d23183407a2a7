//! Whose tokens are taken.

use super::Settings;
use crate::token::{OTHER_CLAIMS, Requirements, Trust, USER_CLAIM, jwks::JwksAt, key::Key};
use anyhow::{Context, bail};
use hubbub_core::limits::TOKEN_KEYS;
use std::path::{Path, PathBuf};

/// What to say where there is no secret.
pub const NO_SECRET: &str = "--token-secret is missing or empty (or HUBBUB_TOKEN_SECRET, HUBBUB_TOKEN_SECRET_FILE, token-secret in --config FILE)";

impl Settings {
    /// Everything tokens are checked with.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub(super) fn trust(&self) -> anyhow::Result<Trust> {
        let required = self.requirements()?;
        let public_keys = public_keys(&self.token_public_key)?;
        let jwks = self.jwks_at()?;
        if self.token_secret.is_none() && public_keys.is_empty() && jwks.is_none() {
            bail!("{NO_SECRET}, and there is neither --token-public-key nor --token-jwks; --dev makes a secret up");
        }
        Ok(Trust { secret: self.token_secret.clone(), public_keys, jwks, required })
    }

    /// Where keys are published.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn jwks_at(&self) -> anyhow::Result<Option<JwksAt>> {
        let ca = self
            .token_jwks_ca
            .as_ref()
            .map(|path| std::fs::read(path).with_context(|| format!("--token-jwks-ca {}", path.display())));
        match (&self.token_jwks, ca.transpose()?) {
            (Some(url), ca) => JwksAt::parse(url, ca, self.dev).map(Some),
            (None, Some(_)) => {
                bail!("--token-jwks-ca is there and --token-jwks is not; name the URL, or leave both out")
            }
            (None, None) => Ok(None),
        }
    }

    /// What tokens must say.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn requirements(&self) -> anyhow::Result<Requirements> {
        let user_claim = self.token_user_claim.as_deref().unwrap_or(USER_CLAIM);
        if OTHER_CLAIMS.contains(&user_claim) {
            bail!("--token-user-claim {user_claim}: this claim means something else; name the one with the user's id");
        }
        let (issuer, audience) = (self.token_issuer.clone(), self.token_audience.clone());
        Ok(Requirements { issuer, audience, user_claim: user_claim.into() })
    }
}

fn public_keys(paths: &[PathBuf]) -> anyhow::Result<Vec<Key>> {
    let mut keys = Vec::new();
    for path in paths {
        keys.extend(read_keys(path)?);
    }
    if keys.len() > TOKEN_KEYS {
        bail!("--token-public-key: {} keys in all; the limit is {TOKEN_KEYS}", keys.len());
    }
    Ok(keys)
}

/// The public keys in a PEM file.
///
/// # Errors
/// What is wrong and what to do.
pub fn read_keys(path: &Path) -> anyhow::Result<Vec<Key>> {
    let said = || format!("--token-public-key {}", path.display());
    let text = std::fs::read_to_string(path).with_context(said)?;
    Key::of_pem(&text).with_context(said)
}
