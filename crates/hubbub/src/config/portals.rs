//! Where portals may be, and how they know us.

use super::Settings;
use anyhow::{Context, anyhow};
use hubbub_core::portal::address::{Allowed, check_public_url};

impl Settings {
    /// Where portals may be although it is no public address, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn portal_allow(&self) -> anyhow::Result<Allowed> {
        Allowed::parse(self.portal_allow.as_deref().unwrap_or_default()).context("--portal-allow")
    }

    /// Under which address portals know the server, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn public_url(&self) -> anyhow::Result<Option<String>> {
        let url = self.public_url.as_deref().map(|url| url.strip_suffix('/').unwrap_or(url));
        url.map(check_public_url).transpose().map_err(|wrong| {
            anyhow!("--public-url: a URL like https://chat.example.com is expected: {}", wrong.problem)
        })?;
        Ok(url.map(ToOwned::to_owned))
    }
}
