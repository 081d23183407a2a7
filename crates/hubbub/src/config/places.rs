//! Where logs are kept and what carries wakes, from URLs.

use super::{Settings, layers::KeptIn};
use crate::{
    bus::{nats, redis::RedisBus},
    crypto::login::{Password, Place},
    store::{StoreError, postgres::PostgresStore},
};
use anyhow::{anyhow, bail};
use std::{fmt, path::PathBuf};

/// Where logs are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAt {
    /// A file.
    Sqlite(PathBuf),
    /// A server, and the schema there.
    Postgres {
        /// The URL, and the password.
        place: Place,
        /// The schema.
        schema: String,
        /// Server and database, for people: without a password.
        shown: String,
    },
}

/// What carries wakes.
#[derive(Clone, PartialEq, Eq)]
pub enum BusAt {
    /// Nothing: one process.
    Local,
    /// Redis, by its URL, and the password.
    Redis(Place),
    /// NATS, by its URL, and the password.
    Nats(Place),
    /// Kafka, by its URL.
    Kafka(String),
    /// The store's own Postgres.
    Postgres,
}

impl StoreAt {
    /// Reads `--store` and `--schema`.
    ///
    /// # Errors
    /// Says what is wrong, and repeats nothing of the URL that could be a password.
    pub fn parse(at: impl Into<Place>, schema: &str) -> anyhow::Result<Self> {
        let place = at.into();
        let url = &*place.url;
        match url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => match &place.password {
                None => Ok(Self::Sqlite(path.into())),
                Some(password) => bail!("--store: a file has no password: leave {} out", password.shown()),
            },
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                let shown = PostgresStore::check(&place, schema).map_err(|error| match error {
                    StoreError::Broken(why) => anyhow!("--store: {why}"),
                    other => anyhow!("--store: {other}"),
                })?;
                Ok(Self::Postgres { place, schema: schema.into(), shown })
            }
            // A name of a file, and nothing that could hold a password.
            None if !url.is_empty() && !url.contains('@') => bail!(
                "--store: sqlite:FILE or postgres://user@host/database is expected; for the file {url} write sqlite:{url}"
            ),
            _ => bail!("--store: sqlite:FILE or postgres://user@host/database is expected"),
        }
    }
}

impl BusAt {
    /// Reads `--bus`.
    ///
    /// # Errors
    /// Says what is wrong, without repeating the URL.
    pub fn parse(at: impl Into<Place>) -> anyhow::Result<Self> {
        let place = at.into();
        let url = &*place.url;
        const EXPECTED: &str =
            "local, postgres, redis://host:6379, nats://host:4222 (tls:// with TLS) or kafka://host:9092 is expected";
        if let Some(password) = &place.password
            && (["local", "postgres"].contains(&url) || url.starts_with("kafka:"))
        {
            let why = match url {
                "local" => "nobody is dialled",
                "postgres" => "it is the store's server, with the store's password",
                _ => "users and passwords are not there yet for Kafka",
            };
            bail!("--bus: {why}: leave {} out", password.shown());
        }
        match url.split_once(':') {
            None if url == "local" => Ok(Self::Local),
            Some((scheme, rest)) if scheme.starts_with("redis") && rest.starts_with("//") => {
                RedisBus::check(&place).map_err(|error| anyhow!("--bus: {error}"))?;
                Ok(Self::Redis(place))
            }
            None if url == "postgres" => Ok(Self::Postgres),
            Some(("kafka", rest)) if rest.starts_with("//") => Ok(Self::Kafka(url.into())),
            Some(("nats" | "tls", rest)) if rest.starts_with("//") => {
                nats::check(&place).map_err(|error| anyhow!("--bus: {error}"))?;
                Ok(Self::Nats(place))
            }
            // A host and a port, and nothing that could hold a password. Which of them is there, its name or its port may say.
            Some((host, port)) if !host.is_empty() && !url.contains('@') && port.parse::<u16>().is_ok() => {
                let (of, scheme) = match (host, port) {
                    ("nats", _) | (_, "4222") => ("NATS", "nats"),
                    ("kafka", _) | (_, "9092") => ("Kafka", "kafka"),
                    ("postgres" | "local", _) | (_, "5432") => bail!("--bus: {EXPECTED}"),
                    _ => ("Redis", "redis"),
                };
                bail!("--bus: a URL is expected; for {of} there write {scheme}://{url}")
            }
            None if url == "redis" => bail!("--bus: where Redis is is expected, too, like redis://127.0.0.1:6379"),
            _ => bail!("--bus: {EXPECTED}"),
        }
    }
}

/// A password as it is set, or else in the file that is named for it.
fn password(variable: &'static str, set: Option<&str>, file: Option<&KeptIn>) -> Option<Password> {
    match (set, file) {
        (None, Some(file)) => Password::given(file.by, None, Some(&file.path)),
        _ => Password::given(variable, set, None),
    }
}

impl Settings {
    /// Where logs are kept, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn store_at(&self) -> anyhow::Result<StoreAt> {
        let password =
            password("HUBBUB_STORE_PASSWORD", self.store_password.as_deref(), self.store_password_file.as_ref());
        let url = self.store.clone().unwrap_or_else(|| "sqlite:hubbub.db".into());
        StoreAt::parse(&Place { url, password }, self.schema.as_deref().unwrap_or("hubbub"))
    }

    /// What carries wakes, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn bus_at(&self) -> anyhow::Result<BusAt> {
        let password = password("HUBBUB_BUS_PASSWORD", self.bus_password.as_deref(), self.bus_password_file.as_ref());
        BusAt::parse(&Place { url: self.bus.clone().unwrap_or_else(|| "local".into()), password })
    }
}

impl fmt::Display for StoreAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { schema, shown, .. } => write!(f, "postgres://{shown} (schema {schema})"),
        }
    }
}

impl fmt::Display for BusAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
            Self::Kafka(_) => "kafka",
            Self::Postgres => "postgres",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_refused_with_a_sentence_and_no_password() {
        for options in ["sslmode=verify-full", "sslmode=allow", "sslmode=prefer&sslnegotiation=direct", "sslkey=x"] {
            let url = format!("postgres://hubbub:hush@db/hubbub?{options}");
            let error = StoreAt::parse(&url, "hubbub").err().expect("refused").to_string();
            assert!(error.contains("in its URL") && error.contains("ssl") && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_store_is_shown_without_its_password() {
        let at = StoreAt::parse("postgres://hubbub:hush@db.example:6432/chat?sslmode=prefer", "blue").expect("a store");
        assert_eq!(at.to_string(), "postgres://db.example:6432/chat (schema blue)");
        let at = StoreAt::parse("postgres://hubbub:hush@one,two/chat?sslmode=disable", "hubbub").expect("a store");
        assert_eq!(at.to_string(), "postgres://one:5432,two:5432/chat (schema hubbub)");
        let at = StoreAt::parse("postgres://hubbub@[::1]", "hubbub").expect("a store");
        assert_eq!(at.to_string(), "postgres://[::1]:5432/hubbub (schema hubbub)");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_quoting_it() {
        let error = BusAt::parse("rediss://:hush@redis?ca=/nowhere/ca.pem").err().expect("refused").to_string();
        assert!(
            error.starts_with("--bus: ") && error.contains("/nowhere/ca.pem") && !error.contains("hush"),
            "{error}"
        );
        for url in ["postgres://u:hu@sh@db/x?a", "postgres://u:hush@db:port/x", "postgres://u:hu@sh?hush@db=1/x"] {
            let error = StoreAt::parse(url, "hubbub").err().expect("refused").to_string();
            assert!(error.starts_with("--store: ") && !error.contains("sh@"), "{error}");
        }
        let error = StoreAt::parse("postgres://db/x?colour=1", "hubbub").err().expect("refused").to_string();
        assert!(error.contains("colour"), "{error}");
        let error = StoreAt::parse("postgres://db/x", "Blue").err().expect("refused").to_string();
        assert!(error.contains("--schema"), "{error}");
        for (url, kind) in [
            ("local", "local"),
            ("postgres", "postgres"),
            ("redis://:hush@redis", "redis"),
            ("nats://ana:hush@one,two", "nats"),
            ("tls://hush@one:4222", "nats"),
            ("kafka://one,two/chat", "kafka"),
        ] {
            assert_eq!(BusAt::parse(url).expect("a bus").to_string(), kind);
        }
        for (url, hint) in [
            ("redis", "redis://127.0.0.1:6379"),
            ("db.example:6379", "for Redis there write redis://db.example:6379"),
            ("nats:4223", "for NATS there write nats://nats:4223"),
            ("broker.example:9092", "for Kafka there write kafka://broker.example:9092"),
            ("db.example:5432", "or kafka://host:9092 is expected"),
        ] {
            let said = BusAt::parse(url).err().expect("no URL").to_string();
            assert!(said.ends_with(hint), "{url}: {said}");
        }
        for url in ["", "local:", "redis", "redis:6379", "http://x", "nats", "tls:one", "kafka:one", "postgres://db/x"]
        {
            assert!(BusAt::parse(url).is_err(), "{url}");
        }
        for url in ["", "sqlite:", "postgres", "postgres:db", "mysql://x"] {
            assert!(StoreAt::parse(url, "hubbub").is_err(), "{url}");
        }
    }
}
