//! Keys: of the REST API, and of the secrets that lie in the database.

use super::{Settings, secret};
use crate::crypto::seal::SealKeys;
use anyhow::Context;

impl Settings {
    /// Keys of the REST API, of settings that have been put together.
    pub fn api_keys(&self) -> Vec<String> {
        let keys = self.api_key.iter().flat_map(|keys| keys.split(',')).map(str::trim);
        keys.filter(|key| !key.is_empty()).map(Into::into).collect()
    }

    /// Keys that secrets of portals are sealed with, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn secrets_keys(&self) -> anyhow::Result<SealKeys> {
        SealKeys::parse(self.secrets_key.as_deref().unwrap_or_default()).context("--secrets-key")
    }
}

/// What may be given as the name of a file with the value.
pub const SECRET_FILES: [&str; 5] = [
    "HUBBUB_STORE_FILE",
    "HUBBUB_BUS_FILE",
    "HUBBUB_TOKEN_SECRET_FILE",
    "HUBBUB_API_KEY_FILE",
    "HUBBUB_SECRETS_KEY_FILE",
];

/// The API key for commands that ask a server: as it is given, or else from the file that `HUBBUB_API_KEY_FILE` names. Of
/// several, while one is replaced, the first.
///
/// # Errors
/// When there is none, or its file cannot be read.
pub fn api_key(set: Option<String>) -> anyhow::Result<String> {
    let keys = secret(set, "HUBBUB_API_KEY_FILE", None)?;
    let keys = keys.context("no API key: set HUBBUB_API_KEY_FILE, HUBBUB_API_KEY or --api-key to the server's")?;
    Ok(keys.split(',').next().unwrap_or_default().trim().to_owned())
}
