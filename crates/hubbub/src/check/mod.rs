//! `hubbub check`: whether a configuration would serve, tried out without serving.
//!
//! It reads what `serve` reads, goes through [`CHECKS`], and says everything it finds, each with what to do. To add one:
//! write a function that takes [`Asked`] and returns findings, in the file of its subject, and name it in [`CHECKS`].

use crate::{
    config::{Settings, UnknownVariable},
    log::plain,
};
use futures_util::future::BoxFuture;
use std::{fmt, path::PathBuf, time::Duration};

mod bus;
mod edge;
mod environment;
mod files;
mod listen;
mod portals;
mod secrets;
mod store;
mod tokens;
mod values;

/// How long one check may take.
const WITHIN: Duration = Duration::from_secs(12);

type Check = for<'a> fn(&'a Asked) -> BoxFuture<'a, Vec<Finding>>;

/// What is checked, in the order it is said. A name is for who waits too long.
const CHECKS: [(&str, Check); 14] = [
    ("environment", |asked| Box::pin(environment::idle(asked))),
    ("--config", |asked| Box::pin(files::configuration(asked))),
    ("secret files", |asked| Box::pin(files::secrets(asked))),
    ("secrets", |asked| Box::pin(values::secrets(asked))),
    ("limits and logs", |asked| Box::pin(values::limits_and_logs(asked))),
    ("--token-…", |asked| Box::pin(tokens::local(asked))),
    ("--token-jwks", |asked| Box::pin(tokens::jwks(asked))),
    ("--token", |asked| Box::pin(tokens::example(asked))),
    ("--listen", |asked| Box::pin(listen::address(asked))),
    ("how it is reached", |asked| Box::pin(edge::edge(asked))),
    ("--store", |asked| Box::pin(store::store(asked))),
    ("--secrets-key", |asked| Box::pin(secrets::keys(asked))),
    ("portals", |asked| Box::pin(portals::addresses(asked))),
    ("--bus", |asked| Box::pin(bus::bus(asked))),
];

/// What is to be checked.
pub struct Asked {
    /// What was set, in all layers put together.
    settings: Settings,
    /// What could not be read on the way.
    faults: Vec<anyhow::Error>,
    /// Variables of the environment that nothing reads.
    unknown: Vec<UnknownVariable>,
    /// A file with a token to be looked at.
    token: Option<PathBuf>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Fine.
    Ok,
    /// It would serve, perhaps not as it should.
    Warning,
    /// It would not serve, or would not do what it promises.
    Wrong,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Which setting, as a flag.
    about: String,
    /// What was found. Never a secret.
    says: String,
    /// What to do.
    to_do: Option<String>,
}

impl Finding {
    fn new(level: Level, about: impl Into<String>, says: impl fmt::Display, to_do: Option<&str>) -> Self {
        // An error of the settings names its option itself.
        let (about, says) = (about.into(), says.to_string().replace('\n', ", "));
        let says = says.strip_prefix(&format!("{about}: ")).map(ToOwned::to_owned).unwrap_or(says);
        Self { level, about, says: plain(&says).into_owned(), to_do: to_do.map(Into::into) }
    }

    fn ok(about: impl Into<String>, says: impl fmt::Display) -> Self {
        Self::new(Level::Ok, about, says, None)
    }

    fn warning(about: impl Into<String>, says: impl fmt::Display, to_do: &str) -> Self {
        Self::new(Level::Warning, about, says, Some(to_do))
    }

    fn wrong(about: impl Into<String>, says: impl fmt::Display, to_do: &str) -> Self {
        Self::new(Level::Wrong, about, says, Some(to_do))
    }

    /// What `serve` would have ended with, which says what to do itself.
    fn refused(about: impl Into<String>, error: &anyhow::Error) -> Self {
        Self::new(Level::Wrong, about, format!("{error:#}"), None)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Wrong => "wrong",
        };
        write!(f, "{level:<8} {}: {}", self.about, self.says)?;
        match &self.to_do {
            Some(to_do) => write!(f, "; {to_do}"),
            None => Ok(()),
        }
    }
}

/// What `hubbub check --help` ends with.
pub const HELP: &str = "\
It takes its settings from where `hubbub serve` does, reads every file they name, listens for a moment, fetches keys of
tokens, looks at the database without changing anything, and sends a probe through the bus. It warns of variables HUBBUB_…
that do not exist, and of settings that mean nothing beside the others. One line for each finding, to standard output;
nothing secret is in them.

With --token it says whether a token of your provider's would be taken, and as whom, or which claim is missing:
  hubbub check --token-jwks https://… --token-issuer https://… --token-audience chat --token token.jwt

Exit codes: 0 nothing wrong, 1 something wrong (with --strict a warning, too), 2 wrong flags.";

/// Tries everything, and says what was found: nothing ends it early. `token`: a file with one to be looked at.
pub async fn check(settings: Settings, unknown: Vec<UnknownVariable>, token: Option<PathBuf>) -> Vec<Finding> {
    let (settings, faults) = settings.gather();
    let asked = Asked { settings, faults, unknown, token };
    let each = CHECKS.iter().map(async |(name, check)| {
        tokio::time::timeout(WITHIN, check(&asked)).await.unwrap_or_else(|_| {
            let to_do = "see whether what it names is there and answers, or is behind a firewall that swallows packets";
            vec![Finding::wrong(*name, format!("no answer within {WITHIN:?}"), to_do)]
        })
    });
    futures_util::future::join_all(each).await.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_it_is_about_once() {
        let error = anyhow::anyhow!("--store: sqlite:FILE is expected");
        assert_eq!(Finding::refused("--store", &error).to_string(), "wrong    --store: sqlite:FILE is expected");
        let finding = Finding::warning("--bus local", "others are late", "use Redis");
        assert_eq!(finding.to_string(), "warning  --bus local: others are late; use Redis");
    }
}
