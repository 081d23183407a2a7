//! What an operator says: flags, over the environment, over `HUBBUB_…_FILE` for what may hold a secret, over a TOML file,
//! over defaults.

use crate::token::{OTHER_CLAIMS, Requirements, USER_CLAIM};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use hubbub_core::limits::SECRET_BYTES;
use serde::Deserialize;
use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

mod places;
#[cfg(test)]
mod tests;

pub use places::{BusAt, StoreAt};

/// What can be set. The names are those of the flags; in the environment `HUBBUB_TOKEN_SECRET`, in the file `token-secret`.
#[derive(Args, Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where clients and the REST API are served [default: 127.0.0.1:8000]
    #[arg(long, env = "HUBBUB_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// Where logs are kept: sqlite:FILE (nothing to install, one instance) or postgres://… (any number of instances) [default: sqlite:hubbub.db]
    #[arg(long, env = "HUBBUB_STORE", value_name = "URL", hide_env_values = true)]
    pub store: Option<String>,

    /// The schema everything lives in, on Postgres [default: hubbub]
    #[arg(long, env = "HUBBUB_SCHEMA", value_name = "NAME")]
    pub schema: Option<String>,

    /// What carries announcements between instances: local (none), redis://…, rediss://… (TLS), redis+sentinel://h1,h2,h3/NAME or redis+cluster://h1,h2,h3 [default: local]
    #[arg(long, env = "HUBBUB_BUS", value_name = "URL", hide_env_values = true)]
    pub bus: Option<String>,

    /// A TOML file with any of these settings
    #[arg(long, env = "HUBBUB_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// The secret your backend signs its users' tokens with (HS256); better given as HUBBUB_TOKEN_SECRET_FILE
    #[arg(long, env = "HUBBUB_TOKEN_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub token_secret: Option<String>,

    /// Required `iss` of tokens
    #[arg(long, env = "HUBBUB_TOKEN_ISSUER", value_name = "TEXT")]
    pub token_issuer: Option<String>,

    /// Required `aud` of tokens
    #[arg(long, env = "HUBBUB_TOKEN_AUDIENCE", value_name = "TEXT")]
    pub token_audience: Option<String>,

    /// The claim of tokens that names the user [default: sub]
    #[arg(long, env = "HUBBUB_TOKEN_USER_CLAIM", value_name = "NAME")]
    pub token_user_claim: Option<String>,

    /// The key your backend calls /v1 with; several while one is being replaced: what is given is split at commas, so a key has none; better given as HUBBUB_API_KEY_FILE
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<String>,

    /// A label for this instance in answers and logs; not an identity [default: the port]
    #[arg(long, env = "HUBBUB_INSTANCE", value_name = "LABEL")]
    pub instance: Option<String>,

    /// For trying it out: makes up missing secrets and prints them, seeds ana, ben and the room general, serves a page at / and hands out tokens to anybody
    #[arg(long, env = "HUBBUB_DEV", value_parser = yes_or_no)]
    #[serde(default)]
    pub dev: bool,
}

/// A whole configuration.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where logs are kept.
    pub store: StoreAt,
    /// What carries wakes.
    pub bus: BusAt,
    /// What tokens are signed with.
    pub token_secret: String,
    /// What tokens must say.
    pub tokens: Requirements,
    /// Keys of the REST API; without any it is closed.
    pub api_keys: Vec<String>,
    /// This instance's label.
    pub instance: Option<String>,
    /// For trying it out.
    pub dev: bool,
    /// Secrets that were made up and are to be printed: name and value.
    pub made_up: Vec<(&'static str, String)>,
}

impl Settings {
    /// One layer over another, for every setting: flag, environment, `HUBBUB_…_FILE`, file. Defaults come where a setting is
    /// used. What is empty is not set.
    fn layered(self) -> anyhow::Result<Self> {
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self {
            listen: self.listen.or(file.listen),
            store: secret(self.store, "HUBBUB_STORE_FILE", file.store)?,
            schema: given(self.schema).or(given(file.schema)),
            bus: secret(self.bus, "HUBBUB_BUS_FILE", file.bus)?,
            config: self.config,
            token_secret: secret(self.token_secret, "HUBBUB_TOKEN_SECRET_FILE", file.token_secret)?,
            token_issuer: given(self.token_issuer).or(given(file.token_issuer)),
            token_audience: given(self.token_audience).or(given(file.token_audience)),
            token_user_claim: given(self.token_user_claim).or(given(file.token_user_claim)),
            api_key: secret(self.api_key, "HUBBUB_API_KEY_FILE", file.api_key)?,
            instance: given(self.instance).or(given(file.instance)),
            dev: self.dev || file.dev,
        })
    }

    /// Where logs are kept, for commands that need nothing else.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn resolve_store(self) -> anyhow::Result<StoreAt> {
        self.layered()?.store_at()
    }

    /// What tokens are signed with and must say, for commands that need nothing else. Nothing is made up here.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn resolve_signing(self) -> anyhow::Result<(String, Requirements)> {
        let set = self.layered()?;
        let required = set.requirements()?;
        let secret = set.token_secret.with_context(|| format!("{NO_SECRET}: the one your server has"))?;
        Ok((secret, required))
    }

    /// The whole configuration, for serving.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn resolve(self) -> anyhow::Result<Config> {
        let mut set = self.layered()?;
        let mut api_keys: Vec<String> =
            set.api_key.iter().flat_map(|keys| keys.split(',')).map(str::trim).map(Into::into).collect();
        api_keys.retain(|key| !key.is_empty());
        let mut made_up = Vec::new();
        if set.dev {
            if set.token_secret.is_none() {
                made_up.push(("token secret", make_secret()));
                set.token_secret = made_up.last().map(|(_, secret)| secret.clone());
            }
            if api_keys.is_empty() {
                made_up.push(("API key", make_secret()));
                api_keys.extend(made_up.last().map(|(_, key)| key.clone()));
            }
        }
        let (store, tokens) = (set.store_at()?, set.requirements()?);
        let bus = BusAt::parse(set.bus.as_deref().unwrap_or("local"))?;
        if matches!(store, StoreAt::Sqlite(_)) && bus != BusAt::Local {
            bail!(
                "--store sqlite: is for one process, so --bus must be local; for several instances use --store postgres://…"
            );
        }
        let token_secret = set.token_secret.with_context(|| format!("{NO_SECRET}; --dev makes one up"))?;
        for (name, secret) in
            api_keys.iter().map(|key| ("an API key", key)).chain([("the token secret", &token_secret)])
        {
            if secret.len() < SECRET_BYTES {
                tracing::warn!("{name} has {} bytes; at least {SECRET_BYTES} are advised", secret.len());
            }
        }
        Ok(Config {
            listen: set.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000))),
            store,
            bus,
            token_secret,
            tokens,
            api_keys,
            instance: set.instance,
            dev: set.dev,
            made_up,
        })
    }

    fn store_at(&self) -> anyhow::Result<StoreAt> {
        StoreAt::parse(self.store.as_deref().unwrap_or("sqlite:hubbub.db"), self.schema.as_deref().unwrap_or("hubbub"))
    }

    fn requirements(&self) -> anyhow::Result<Requirements> {
        let user_claim = self.token_user_claim.as_deref().unwrap_or(USER_CLAIM);
        if OTHER_CLAIMS.contains(&user_claim) {
            bail!("--token-user-claim {user_claim}: this claim means something else; name the one with the user's id");
        }
        let (issuer, audience) = (self.token_issuer.clone(), self.token_audience.clone());
        Ok(Requirements { issuer, audience, user_claim: user_claim.into() })
    }
}

const NO_SECRET: &str = "--token-secret is missing or empty (or HUBBUB_TOKEN_SECRET, HUBBUB_TOKEN_SECRET_FILE, token-secret in --config FILE)";

/// What is empty is not set: `HUBBUB_X=` is how many tools say "none".
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// A setting that may hold a secret: as it is set, or else from the file that `variable` names, or else from the TOML file.
fn secret(set: Option<String>, variable: &str, file: Option<String>) -> anyhow::Result<Option<String>> {
    secret_from(set, variable, std::env::var_os(variable), file)
}

fn secret_from(
    set: Option<String>,
    variable: &str,
    path: Option<OsString>,
    file: Option<String>,
) -> anyhow::Result<Option<String>> {
    if let Some(set) = given(set) {
        return Ok(Some(set));
    }
    let kept = match path.filter(|path| !path.is_empty()) {
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("{variable}={}", path.display()))?;
            given(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None => None,
    };
    Ok(kept.or(given(file)))
}

/// Reads the TOML file. The parser's own report is not shown: it quotes the line, which may hold a secret.
fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| format!("--config {}", path.display()))?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        anyhow!("--config {}, line {line}: {}", path.display(), error.message().replace('\n', ", "))
    })
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "n" | "no" | "off" | "false" => Ok(false),
        "1" | "y" | "yes" | "on" | "true" => Ok(true),
        _ => Err("yes or no is expected".into()),
    }
}

fn make_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
