//! What an operator says: flags, over the environment, over `HUBBUB_…_FILE` for secrets, over a TOML file, over defaults.

use anyhow::{Context, bail};
use clap::Args;
use hubbub_core::limits::SECRET_BYTES;
use serde::Deserialize;
use std::{fmt, net::SocketAddr, path::PathBuf};

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

    /// What carries announcements between instances: local (none) or redis://… [default: local]
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

    /// The key your backend calls /v1 with; several, separated by commas, while one is being replaced; better given as HUBBUB_API_KEY_FILE
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<String>,

    /// A label for this instance in answers and logs; not an identity [default: the port]
    #[arg(long, env = "HUBBUB_INSTANCE", value_name = "LABEL")]
    pub instance: Option<String>,

    /// For trying it out: makes up missing secrets and prints them, seeds ana, ben and the room general, serves a page at / and hands out tokens to anybody
    #[arg(long, env = "HUBBUB_DEV")]
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
    pub tokens: crate::token::Requirements,
    /// Keys of the REST API; without any it is closed.
    pub api_keys: Vec<String>,
    /// This instance's label.
    pub instance: Option<String>,
    /// For trying it out.
    pub dev: bool,
    /// Secrets that were made up and are to be printed: name and value.
    pub made_up: Vec<(&'static str, String)>,
}

/// Where logs are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAt {
    /// A file.
    Sqlite(PathBuf),
    /// A server, and the schema there.
    Postgres {
        /// The URL, with its password.
        url: String,
        /// The schema.
        schema: String,
    },
}

/// What carries wakes.
#[derive(Clone, PartialEq, Eq)]
pub enum BusAt {
    /// Nothing: one process.
    Local,
    /// Redis, by its URL, with its password.
    Redis(String),
}

impl fmt::Display for StoreAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { schema, .. } => write!(f, "postgres (schema {schema})"),
        }
    }
}

impl fmt::Display for BusAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Redis(_) => "redis",
        })
    }
}

impl Settings {
    /// These settings over those of the file they name.
    fn over_file(self) -> anyhow::Result<Self> {
        let Some(path) = &self.config else { return Ok(self) };
        let text = std::fs::read_to_string(path).with_context(|| format!("--config {}", path.display()))?;
        let file: Self = toml::from_str(&text).with_context(|| format!("--config {}", path.display()))?;
        Ok(Self {
            listen: self.listen.or(file.listen),
            store: self.store.or(file.store),
            schema: self.schema.or(file.schema),
            bus: self.bus.or(file.bus),
            config: self.config,
            token_secret: self.token_secret.or(secret_file("TOKEN_SECRET")?).or(file.token_secret),
            token_issuer: self.token_issuer.or(file.token_issuer),
            token_audience: self.token_audience.or(file.token_audience),
            api_key: self.api_key.or(secret_file("API_KEY")?).or(file.api_key),
            instance: self.instance.or(file.instance),
            dev: self.dev || file.dev,
        })
    }

    /// The whole configuration, or what is wrong and what to do.
    pub fn resolve(self) -> anyhow::Result<Config> {
        let mut set = self.over_file()?;
        set.token_secret = set.token_secret.or(secret_file("TOKEN_SECRET")?);
        set.api_key = set.api_key.or(secret_file("API_KEY")?);
        let mut made_up = Vec::new();
        if set.dev {
            for (name, secret) in [("token secret", &mut set.token_secret), ("API key", &mut set.api_key)] {
                if secret.is_none() {
                    let value = make_secret();
                    made_up.push((name, value.clone()));
                    *secret = Some(value);
                }
            }
        }
        let schema = set.schema.unwrap_or_else(|| "hubbub".into());
        let store = store_at(set.store.as_deref().unwrap_or("sqlite:hubbub.db"), schema)?;
        let bus = bus_at(set.bus.as_deref().unwrap_or("local"))?;
        if matches!(store, StoreAt::Sqlite(_)) && bus != BusAt::Local {
            bail!(
                "--store sqlite: is for one process, so --bus must be local; for several instances use --store postgres://…"
            );
        }
        let Some(token_secret) = set.token_secret else {
            bail!(
                "--token-secret is missing (or HUBBUB_TOKEN_SECRET, HUBBUB_TOKEN_SECRET_FILE, token-secret in the file); --dev makes one up"
            );
        };
        let api_keys: Vec<String> = set
            .api_key
            .iter()
            .flat_map(|keys| keys.split(','))
            .map(str::trim)
            .filter(|k| !k.is_empty())
            .map(Into::into)
            .collect();
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
            tokens: crate::token::Requirements { issuer: set.token_issuer, audience: set.token_audience },
            api_keys,
            instance: set.instance,
            dev: set.dev,
            made_up,
        })
    }
}

/// Reads where logs are kept.
pub fn store_at(url: &str, schema: String) -> anyhow::Result<StoreAt> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(StoreAt::Sqlite(path.into())),
        Some(("postgres" | "postgresql", _)) => Ok(StoreAt::Postgres { url: url.into(), schema }),
        _ => bail!("--store: sqlite:FILE or postgres://… is expected"),
    }
}

fn bus_at(url: &str) -> anyhow::Result<BusAt> {
    match url.split_once(':') {
        None if url == "local" => Ok(BusAt::Local),
        Some(("redis", _)) => Ok(BusAt::Redis(url.into())),
        _ => bail!("--bus: local or redis://… is expected"),
    }
}

fn secret_file(name: &str) -> anyhow::Result<Option<String>> {
    let variable = format!("HUBBUB_{name}_FILE");
    let Some(path) = std::env::var_os(&variable) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).with_context(|| format!("{variable}={}", path.display()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn make_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(settings: Settings) -> String {
        settings.resolve().err().expect("should be refused").to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let secret = || Some("x".repeat(32));
        assert!(error_of(Settings::default()).contains("HUBBUB_TOKEN_SECRET"));
        let two = Settings { token_secret: secret(), bus: Some("redis://localhost".into()), ..Settings::default() };
        assert!(error_of(two).contains("postgres://"));
        let odd = Settings { token_secret: secret(), store: Some("mysql://x".into()), ..Settings::default() };
        assert!(error_of(odd).contains("sqlite:FILE or postgres://"));
    }

    #[test]
    fn dev_makes_secrets_up_and_says_so() {
        let config = Settings { dev: true, ..Settings::default() }.resolve().unwrap();
        assert_eq!(config.made_up.len(), 2);
        assert_eq!(config.made_up[0].1, config.token_secret);
    }

    #[test]
    fn the_file_is_under_the_flags() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hubbub.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:9\"\ninstance = \"file\"\ntoken-secret = \"s\"\n").unwrap();
        let settings = Settings { instance: Some("flag".into()), config: Some(path.clone()), ..Settings::default() };
        let config = settings.resolve().unwrap();
        assert_eq!((config.listen.port(), config.instance.as_deref()), (9, Some("flag")));
        std::fs::write(&path, "lisen = \"127.0.0.1:9\"\n").unwrap();
        let settings = Settings { config: Some(path), ..Settings::default() };
        assert!(format!("{:#}", settings.resolve().err().unwrap()).contains("lisen"));
    }
}
