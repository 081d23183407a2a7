//! What an operator says: flags, over the environment, over `HUBBUB_…_FILE` for what may hold a secret, over a TOML file,
//! over defaults.

use crate::{
    crypto::seal::SealKeys,
    log::{self, LogFormat},
    token::{Requirements, Trust},
};
use anyhow::{Context, bail};
use clap::Args;
use hubbub_core::{
    limits::{SECRET_BYTES, SECRET_BYTES_MIN},
    log::quota::Quota,
    portal::address::Allowed,
};
use layers::{KeptIn, given, kept_in, listed, make_secret, named, secret, yes_or_no};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

mod edge;
mod environment;
mod file;
mod groups;
mod hosts;
mod keys;
mod layers;
mod limits;
mod listen;
mod origins;
mod places;
mod portals;
mod spelling;
#[cfg(test)]
mod tests;
mod trust;

pub use edge::{PublicSide, TlsFiles, duration};
pub use environment::{UnknownVariable, known_variables, unknown_variables};
pub use groups::with_headings;
pub use hosts::Hosts;
pub use keys::{SECRET_FILES, api_key, file_key, server_url};
pub use limits::LimitSettings;
pub use listen::{Reach, cannot_listen};
pub use origins::{OriginStanding, Origins, is_of_loopback};
pub use places::{BusAt, StoreAt};
pub use trust::{NO_SECRET, read_keys};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);

/// An address, or a port of this machine alone.
///
/// # Errors
/// What is expected instead.
pub fn address(said: &str) -> Result<SocketAddr, String> {
    let port = said.trim_start_matches(':').parse().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    port.or_else(|_| said.parse()).map_err(|_| {
        "an address and a port are expected, like 127.0.0.1:8000, 0.0.0.0:8000 or [::]:8000; a port alone is one of this machine".into()
    })
}

/// What can be set. The names are those of the flags; in the environment `HUBBUB_TOKEN_SECRET`, in the file `token-secret`.
#[derive(Args, Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where clients and the REST API are served [default: 127.0.0.1:8000]
    #[arg(long, env = "HUBBUB_LISTEN", value_name = "ADDR", value_parser = address)]
    pub listen: Option<SocketAddr>,

    /// Where logs are kept: sqlite:FILE (nothing to install, one instance) or postgres://… (any number of instances) [default: sqlite:hubbub.db]
    #[arg(long, env = "HUBBUB_STORE", value_name = "URL", hide_env_values = true)]
    pub store: Option<String>,

    /// The password of --store, which its URL then does not have; better given as HUBBUB_STORE_PASSWORD_FILE: that file is read at every dial, so that the password may be replaced while it runs
    #[arg(long, env = "HUBBUB_STORE_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub store_password: Option<String>,

    /// The file of `HUBBUB_STORE_PASSWORD_FILE`, or of store-password-file.
    #[arg(skip)]
    #[serde(skip)]
    pub store_password_file: Option<KeptIn>,

    /// The schema everything lives in, on Postgres [default: hubbub]
    #[arg(long, env = "HUBBUB_SCHEMA", value_name = "NAME")]
    pub schema: Option<String>,

    /// What carries announcements between instances: local (none), redis://… (rediss:// with TLS, redis+sentinel://h1,h2,h3/NAME, redis+cluster://h1,h2,h3), nats://… (tls:// with TLS), kafka://host:9092,…/topic-prefix, or postgres (the store's own server) [default: local]
    #[arg(long, env = "HUBBUB_BUS", value_name = "URL", hide_env_values = true)]
    pub bus: Option<String>,

    /// The password of --bus (Redis, NATS), which its URL then does not have; better given as HUBBUB_BUS_PASSWORD_FILE, which is read at every dial
    #[arg(long, env = "HUBBUB_BUS_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub bus_password: Option<String>,

    /// The file of `HUBBUB_BUS_PASSWORD_FILE`, or of bus-password-file.
    #[arg(skip)]
    #[serde(skip)]
    pub bus_password_file: Option<KeptIn>,

    /// A TOML file with any of these settings
    #[arg(long, env = "HUBBUB_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// The secret your backend signs its users' tokens with (HS256); better given as HUBBUB_TOKEN_SECRET_FILE
    #[arg(long, env = "HUBBUB_TOKEN_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub token_secret: Option<String>,

    /// A PEM file with the public key your identity provider or backend signs tokens with (RSA, ECDSA P-256 or P-384, Ed25519); several files, or several keys in one, while one is being replaced
    #[arg(long, env = "HUBBUB_TOKEN_PUBLIC_KEY", value_name = "FILE", value_delimiter = ',')]
    #[serde(default)]
    pub token_public_key: Vec<PathBuf>,

    /// Where your identity provider publishes the keys it signs tokens with (a JWKS, RFC 7517); fetched, kept, and fetched anew
    #[arg(long, env = "HUBBUB_TOKEN_JWKS", value_name = "URL", hide_env_values = true)]
    pub token_jwks: Option<String>,

    /// A PEM file with the certificates that the server of --token-jwks is checked with, instead of the system's
    #[arg(long, env = "HUBBUB_TOKEN_JWKS_CA", value_name = "FILE")]
    pub token_jwks_ca: Option<PathBuf>,

    /// Required `iss` of tokens; several, separated by commas, where any of them will do
    #[arg(long, env = "HUBBUB_TOKEN_ISSUER", value_name = "TEXT,…")]
    pub token_issuer: Option<String>,

    /// Required `aud` of tokens; several, separated by commas, where any of them will do
    #[arg(long, env = "HUBBUB_TOKEN_AUDIENCE", value_name = "TEXT,…")]
    pub token_audience: Option<String>,

    /// The claim that --token-audience is compared with, where tokens do not say in `aud` whom they are for: client_id, azp [default: aud]
    #[arg(long, env = "HUBBUB_TOKEN_AUDIENCE_CLAIM", value_name = "NAME")]
    pub token_audience_claim: Option<String>,

    /// What else tokens must say: claims and their values, separated by commas, like token_use=access,scope=chat; all of it, and of a claim that is a list one
    #[arg(long, env = "HUBBUB_TOKEN_REQUIRE", value_name = "CLAIM=TEXT,…")]
    pub token_require: Option<String>,

    /// The claim of tokens that names the user [default: sub]
    #[arg(long, env = "HUBBUB_TOKEN_USER_CLAIM", value_name = "NAME")]
    pub token_user_claim: Option<String>,

    /// The claim of tokens with what your product says about the user [default: info]
    #[arg(long, env = "HUBBUB_TOKEN_INFO_CLAIM", value_name = "NAME")]
    pub token_info_claim: Option<String>,

    /// The longest that a token may be good, from its `iat` to its `exp`; others are refused, and so are those without `exp` [default: no limit]
    #[arg(long, env = "HUBBUB_TOKEN_MAX_LIFE", value_name = "TIME")]
    pub token_max_life: Option<String>,

    /// The key your backend calls /v1 with; several while one is being replaced: what is given is split at commas, so a key has none; better given as HUBBUB_API_KEY_FILE
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<String>,

    /// Keys that secrets of portals are sealed with in the database: 32 bytes each, in hexadecimal or base64, separated by commas or lines. The first seals, all open, so that one can be replaced; better given as HUBBUB_SECRETS_KEY_FILE [default: none, and secrets lie there as they are]
    #[arg(long, env = "HUBBUB_SECRETS_KEY", value_name = "KEY", hide_env_values = true)]
    pub secrets_key: Option<String>,

    /// Where portals may be although it is no public address: names, addresses and networks, each perhaps with a port, separated by commas, like desk.internal:8443,10.1.0.0/16; plain http goes only there
    #[arg(long, env = "HUBBUB_PORTAL_ALLOW", value_name = "LIST")]
    pub portal_allow: Option<String>,

    /// What stands before /hooks/ in the addresses that portals call, like https://chat.example.com: some sign their whole URL, and what a request itself says of its host anybody could write. A portal's own setting public_url comes first
    #[arg(long, env = "HUBBUB_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// A label for this instance in answers and logs; not an identity [default: the port]
    #[arg(long, env = "HUBBUB_INSTANCE", value_name = "LABEL")]
    pub instance: Option<String>,

    /// Where /metrics, /v1 and /openapi.json are served, and then only there; plain HTTP, for a network of your own [default: at --listen, with everything else]
    #[arg(long, env = "HUBBUB_ADMIN_LISTEN", value_name = "ADDR", value_parser = address)]
    pub admin_listen: Option<SocketAddr>,

    /// What every path at --listen begins with, like /chat
    #[arg(long, env = "HUBBUB_BASE_PATH", value_name = "PATH")]
    pub base_path: Option<String>,

    /// Web pages that may connect besides those of the server's own host: origins like https://app.example.com, or https://*.example.com for any one label there, separated by commas, or * for all
    #[arg(long, env = "HUBBUB_ALLOWED_ORIGINS", value_name = "ORIGINS")]
    pub allowed_origins: Option<String>,

    /// Balancers and proxies in front, whose X-Forwarded-For is believed: addresses and networks, separated by commas, like 10.0.0.0/8. Without it all clients of a balancer count as one address [default: none]
    #[arg(long, env = "HUBBUB_TRUSTED_PROXIES", value_name = "CIDR,…")]
    pub trusted_proxies: Option<String>,

    /// PEM file with the certificate, and those between it and the root, to speak TLS at --listen; read anew when it changes and on SIGHUP
    #[arg(long, env = "HUBBUB_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --tls-cert
    #[arg(long, env = "HUBBUB_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Over how long clients are sent to other instances on SIGTERM or SIGINT; 0: all at once [default: 20s; with --dev 0]
    #[arg(long, env = "HUBBUB_DRAIN_WINDOW", value_name = "TIME")]
    pub drain_window: Option<String>,
    /// What is logged: error, warn, info, debug, trace, or a list like info,hubbub::store=debug [default: info]
    #[arg(long, env = "HUBBUB_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// How it is logged: text for people, json for machines [default: text]
    #[arg(long, env = "HUBBUB_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    #[command(flatten)]
    #[serde(default)]
    #[allow(missing_docs, reason = "what is said here would be said in the help of the whole command")]
    pub limits: LimitSettings,

    /// For trying it out: makes up missing secrets and prints them, seeds ana, ben and the room general, serves a page at / and hands out tokens to anybody
    #[arg(long, env = "HUBBUB_DEV", value_parser = yes_or_no)]
    #[serde(default)]
    pub dev: bool,

    /// Names and addresses, separated by commas, under which --dev answers besides localhost and loopback addresses; without it --dev listens nowhere else
    #[arg(long, env = "HUBBUB_DEV_HOST", value_name = "HOSTS")]
    pub dev_host: Option<String>,
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
    /// Whose tokens are taken.
    pub trust: Trust,
    /// Keys of the REST API; without any it is closed.
    pub api_keys: Vec<String>,
    /// Keys that secrets of portals are sealed with.
    pub secrets_keys: SealKeys,
    /// This instance's label.
    pub instance: Option<String>,
    /// What is logged.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// What is allowed.
    pub limits: Quota,
    /// Connections of one address that have not said who they are.
    pub strangers_per_address: usize,
    /// How it is reached from outside, and how it goes.
    pub edge: PublicSide,
    /// Private addresses and networks at which portals may be called, beside all public ones.
    pub portal_allow: Allowed,
    /// Under which address portals know the server.
    pub public_url: Option<String>,
    /// For trying it out.
    pub dev: bool,
    /// Secrets that were made up and are to be printed: name and value.
    pub made_up: Vec<(&'static str, String)>,
    /// What all of it was read from, to be read again; with what was made up.
    pub source: Settings,
}

impl Settings {
    /// One layer over another, for every setting: flag, environment, `HUBBUB_…_FILE`, file. Defaults come where a setting is
    /// used. What is empty is not set. Also everything that was wrong on the way, and was passed over.
    pub fn gather(self) -> (Self, Vec<anyhow::Error>) {
        let (file, mut faults) = self.config.as_deref().map(file::read).unwrap_or_default();
        let (store_password, bus_password) = (given(self.store_password), given(self.bus_password));
        let store_password_file = kept_in(store_password.as_ref(), "HUBBUB_STORE_PASSWORD", file.store_password_file);
        let bus_password_file = kept_in(bus_password.as_ref(), "HUBBUB_BUS_PASSWORD", file.bus_password_file);
        let mut secret = |set, variable, file| {
            secret(set, variable, file).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let gathered = Self {
            listen: self.listen.or(file.listen),
            store: secret(self.store, "HUBBUB_STORE_FILE", file.store),
            // The file that a variable names comes before the TOML file.
            store_password: store_password
                .or_else(|| given(file.store_password).filter(|_| store_password_file.is_none())),
            store_password_file,
            schema: given(self.schema).or(given(file.schema)),
            bus: secret(self.bus, "HUBBUB_BUS_FILE", file.bus),
            bus_password: bus_password.or_else(|| given(file.bus_password).filter(|_| bus_password_file.is_none())),
            bus_password_file,
            config: self.config,
            token_secret: secret(self.token_secret, "HUBBUB_TOKEN_SECRET_FILE", file.token_secret),
            token_public_key: listed(self.token_public_key, file.token_public_key),
            token_jwks: given(self.token_jwks).or(given(file.token_jwks)),
            token_jwks_ca: listed(self.token_jwks_ca.into_iter().collect(), file.token_jwks_ca.into_iter().collect())
                .pop(),
            token_issuer: given(self.token_issuer).or(given(file.token_issuer)),
            token_audience: given(self.token_audience).or(given(file.token_audience)),
            token_audience_claim: given(self.token_audience_claim).or(given(file.token_audience_claim)),
            token_require: given(self.token_require).or(given(file.token_require)),
            token_user_claim: given(self.token_user_claim).or(given(file.token_user_claim)),
            token_info_claim: given(self.token_info_claim).or(given(file.token_info_claim)),
            token_max_life: given(self.token_max_life).or(given(file.token_max_life)),
            api_key: secret(self.api_key, "HUBBUB_API_KEY_FILE", file.api_key),
            secrets_key: secret(self.secrets_key, "HUBBUB_SECRETS_KEY_FILE", file.secrets_key),
            instance: given(self.instance).or(given(file.instance)),
            log: given(self.log).or(given(file.log)),
            log_format: self.log_format.or(file.log_format),
            limits: self.limits.or(file.limits),
            admin_listen: self.admin_listen.or(file.admin_listen),
            base_path: given(self.base_path).or(given(file.base_path)),
            allowed_origins: given(self.allowed_origins).or(given(file.allowed_origins)),
            trusted_proxies: given(self.trusted_proxies).or(given(file.trusted_proxies)),
            tls_cert: named(self.tls_cert).or(named(file.tls_cert)),
            tls_key: named(self.tls_key).or(named(file.tls_key)),
            drain_window: given(self.drain_window).or(given(file.drain_window)),
            portal_allow: given(self.portal_allow).or(given(file.portal_allow)),
            public_url: given(self.public_url).or(given(file.public_url)),
            dev: self.dev || file.dev,
            dev_host: given(self.dev_host).or(given(file.dev_host)),
        };
        (gathered, faults)
    }

    fn layered(self) -> anyhow::Result<Self> {
        let (gathered, faults) = self.gather();
        faults.into_iter().next().map_or(Ok(gathered), Err)
    }

    /// What is logged and how, as far as it can be told: what is wrong with the settings is said elsewhere.
    pub fn logging(&self) -> (String, LogFormat) {
        let (file, _) = self.config.as_deref().map(file::read).unwrap_or_default();
        let (filter, format) = (given(self.log.clone()).or(given(file.log)), self.log_format.or(file.log_format));
        (filter.unwrap_or_else(|| log::DEFAULT.into()), format.unwrap_or_default())
    }

    /// What this instance is called before its configuration has been looked at as a whole.
    pub fn label(&self) -> String {
        let (gathered, _) = self.clone().gather();
        gathered.instance.clone().unwrap_or_else(|| gathered.listen_at().port().to_string())
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
        let secret = set.token_secret.with_context(|| format!("{}: the one your server has", trust::NO_SECRET))?;
        Ok((secret, required))
    }

    /// The whole configuration, for serving.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn resolve(self) -> anyhow::Result<Config> {
        let mut source = self.clone();
        let mut set = self.layered()?;
        let mut api_keys = set.api_keys();
        let mut made_up = Vec::new();
        if set.dev {
            if set.token_secret.is_none() {
                made_up.push(("token secret", make_secret()));
                set.token_secret = made_up.last().map(|(_, secret)| secret.clone());
                source.token_secret.clone_from(&set.token_secret);
            }
            if api_keys.is_empty() {
                made_up.push(("API key", make_secret()));
                api_keys.extend(made_up.last().map(|(_, key)| key.clone()));
                source.api_key = api_keys.first().cloned();
            }
        }
        let (store, bus, edge) = (set.store_at()?, set.bus_at()?, PublicSide::parse(&set)?);
        if matches!(store, StoreAt::Sqlite(_)) && bus != BusAt::Local {
            bail!("{ONE_PROCESS}");
        }
        let (trust, limits, portal_allow) = (set.trust()?, set.limits.quota()?, set.portal_allow()?);
        let public_url = set.public_url()?;
        let secrets_keys = set.secrets_keys()?;
        let log = set.log.clone().unwrap_or_else(|| log::DEFAULT.into());
        log::parse(&log)?;
        let token_secret = trust.secret.iter().map(|secret| ("--token-secret", secret));
        for (name, secret) in api_keys.iter().map(|key| ("--api-key", key)).chain(token_secret) {
            let bytes = secret.len();
            if bytes < SECRET_BYTES_MIN && !set.dev {
                bail!(
                    "{name}: {bytes} bytes can be guessed; at least {SECRET_BYTES_MIN} are needed and {SECRET_BYTES} advised: {MAKE_SECRET}"
                );
            }
            if bytes < SECRET_BYTES {
                tracing::warn!("{name} has {bytes} bytes; at least {SECRET_BYTES} are advised");
            }
        }
        Ok(Config {
            listen: set.listen_at(),
            store,
            bus,
            trust,
            api_keys,
            secrets_keys,
            instance: set.instance,
            log,
            log_format: set.log_format.unwrap_or_default(),
            strangers_per_address: set.limits.strangers_per_address()?,
            limits,
            edge,
            portal_allow,
            public_url,
            dev: set.dev,
            made_up,
            source,
        })
    }

    /// Where it listens, of settings that have been put together.
    pub fn listen_at(&self) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000)))
    }
}

/// Why a store for one process and a bus between several do not go together.
pub const ONE_PROCESS: &str =
    "--store sqlite: is for one process, so --bus must be local; for several instances use --store postgres://…";

/// How to come to a good secret.
pub const MAKE_SECRET: &str = "make one with `openssl rand -hex 32`";
