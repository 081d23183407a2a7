//! Keys: of the REST API, and of the secrets that lie in the database.

use super::{Settings, layers::secret};
use crate::crypto::seal::SealKeys;
use anyhow::{Context, anyhow, bail};
use reqwest::Url;

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

/// What may be given as the name of a file with the value: in the environment as here, in the file of `--config` as
/// [`file_key`] has it.
pub const SECRET_FILES: [&str; 7] = [
    "HUBBUB_STORE_FILE",
    "HUBBUB_STORE_PASSWORD_FILE",
    "HUBBUB_BUS_FILE",
    "HUBBUB_BUS_PASSWORD_FILE",
    "HUBBUB_TOKEN_SECRET_FILE",
    "HUBBUB_API_KEY_FILE",
    "HUBBUB_SECRETS_KEY_FILE",
];

/// What one of [`SECRET_FILES`] is called in the file of `--config`: `HUBBUB_API_KEY_FILE` is `api-key-file`.
pub fn file_key(variable: &str) -> String {
    variable.trim_start_matches("HUBBUB_").to_lowercase().replace('_', "-")
}

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

/// The server that such commands ask, as `--server` says it: the key is sent there.
///
/// # Errors
/// When it is no HTTP URL; or when it has a user or a password, which nothing asks for, and which would stand in what is said of the
/// server. They are not repeated.
pub fn server_url(at: &str) -> anyhow::Result<Url> {
    const EXPECTED: &str = "--server: https://HOST or http://HOST is expected";
    let url = Url::parse(at).map_err(|error| anyhow!("{EXPECTED}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("{EXPECTED}, which begins with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("{EXPECTED}, without a user or a password: what opens the server is its API key");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_http_url_without_a_password() {
        for at in ["http://127.0.0.1:8000", "https://chat.example.com/chat", "HTTP://[::1]:8000/"] {
            assert!(server_url(at).is_ok(), "{at}");
        }
        for at in ["", "127.0.0.1:8000", "localhost:8000", "chat.example.com", "ftp://chat.example.com"] {
            let why = server_url(at).unwrap_err().to_string();
            assert!(why.starts_with("--server: https://HOST or http://HOST"), "{at}: {why}");
        }
        for at in ["http://ana:hush@127.0.0.1:8000", "http://hush@127.0.0.1", "http://:hush@127.0.0.1"] {
            let why = server_url(at).unwrap_err().to_string();
            assert!(why.contains("without a user or a password") && !why.contains("hush"), "{at}: {why}");
        }
    }
}
