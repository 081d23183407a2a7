//! How an instance is reached from outside, and how it goes: `--drain-window`, `--admin-listen`, `--base-path`,
//! `--allowed-origins`, `--trusted-proxies`, `--tls-cert` and `--tls-key`.

use super::{Hosts, Settings, origins::Origins};
use anyhow::{Context, anyhow, bail};
use hubbub_core::{limits, model::origin::Proxies};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicSide {
    /// Over how long clients are sent elsewhere once the instance is told to go; zero: at once.
    pub drain_window: Duration,
    /// Where `/metrics`, `/v1` and `/openapi.json` are served, and only there; `None`: with everything else.
    pub admin_listen: Option<SocketAddr>,
    /// What every public path begins with: empty, or `/chat`.
    pub base_path: String,
    /// Whose pages may talk to this instance from a browser.
    pub origins: Origins,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Proxies,
    /// With `--dev`: under which names it answers, and no others.
    pub dev_hosts: Option<Hosts>,
    /// Certificate and key, when TLS is spoken on our own socket.
    pub tls: Option<TlsFiles>,
}

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the certificate, then those between it and the root.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

impl PublicSide {
    /// Reads the settings, already layered.
    ///
    /// # Errors
    /// What is wrong with the first of them that is, and what to do.
    pub fn parse(set: &Settings) -> anyhow::Result<Self> {
        let drain_window = match &set.drain_window {
            None if set.dev => Duration::ZERO,
            None => limits::DRAIN_WINDOW,
            Some(text) => duration(text).context("--drain-window")?,
        };
        if drain_window > limits::DRAIN_WINDOW_MAX {
            bail!("--drain-window: at most {:?}", limits::DRAIN_WINDOW_MAX);
        }
        let listen = set.listen.unwrap_or(super::LISTEN);
        if set.admin_listen.is_some_and(|admin| admin == listen && admin.port() != 0) {
            bail!(
                "--admin-listen {listen}: the same address as --listen; give another port, or leave it out to serve everything at one"
            );
        }
        let dev_hosts = match set.dev {
            true => Some(Hosts::parse("--dev-host", set.dev_host.as_deref().unwrap_or_default())?),
            false => None,
        };
        if dev_hosts.as_ref().is_some_and(Hosts::is_empty) && !listen.ip().to_canonical().is_loopback() {
            bail!(
                "--dev hands out tokens to anybody, and --listen {listen} is not only for this machine: listen on 127.0.0.1, or say with --dev-host under which names others may come"
            );
        }
        let tls = match (&set.tls_cert, &set.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
            (None, None) => None,
            (Some(_), None) => bail!("--tls-key is missing: --tls-cert needs the private key of its certificate"),
            (None, Some(_)) => bail!("--tls-cert is missing: --tls-key needs the certificate it belongs to"),
        };
        Ok(Self {
            drain_window,
            admin_listen: set.admin_listen,
            base_path: base_path(set.base_path.as_deref().unwrap_or_default())?,
            trusted_proxies: set.proxies()?,
            dev_hosts,
            origins: Origins::parse(set.allowed_origins.as_deref().unwrap_or_default())?,
            tls,
        })
    }
}

impl Settings {
    /// Whose word is taken for where a request comes from, of settings that have been put together.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn proxies(&self) -> anyhow::Result<Proxies> {
        let proxies = Proxies::parse(self.trusted_proxies.as_deref().unwrap_or_default())
            .map_err(|wrong| anyhow!("--trusted-proxies: {}", wrong.problem))?;
        if proxies.have_all() {
            bail!(
                "--trusted-proxies: /0 is everybody, who could then say any address of themselves: name your balancers'"
            );
        }
        Ok(proxies)
    }
}

pub(super) fn base_path(text: &str) -> anyhow::Result<String> {
    let path = text.trim().trim_end_matches('/');
    let part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    match path.strip_prefix('/') {
        None if path.is_empty() => Ok(String::new()),
        Some(rest) if rest.split('/').all(part) => Ok(path.into()),
        _ => bail!("--base-path {text}: a path like /chat is expected, of letters, digits and -._~ between slashes"),
    }
}

/// A time as an operator writes it: 30s, 15m, 1h, 7d, or 0.
///
/// # Errors
/// When it is anything else.
pub fn duration(text: &str) -> anyhow::Result<Duration> {
    const EXPECTED: &str = "a number with s, m, h or d, like 15m";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => bail!(EXPECTED),
    };
    let number: u64 = number.parse().context(EXPECTED)?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(change: impl FnOnce(&mut Settings)) -> Result<PublicSide, String> {
        let mut set = Settings::default();
        change(&mut set);
        PublicSide::parse(&set).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(duration("15m").ok(), Some(Duration::from_secs(900)));
        assert_eq!(duration("0").ok(), Some(Duration::ZERO));
        for text in ["", "m", "15", "1.5h", "-1s", "1w", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_base_path_is_what_comes_before_every_path() {
        for (text, path) in [("", ""), ("/", ""), ("/chat", "/chat"), ("/chat/", "/chat"), ("/a/b.c", "/a/b.c")] {
            assert_eq!(edge(|set| set.base_path = Some(text.into())).unwrap().base_path, path);
        }
        for text in ["chat", "/a//b", "/a b", "/..", "/a?b", "/%41", "http://x/chat"] {
            let error = edge(|set| set.base_path = Some(text.into()));
            assert!(error.unwrap_err().contains("--base-path"), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_names_the_option() {
        let wrong = |change: fn(&mut Settings)| edge(change).unwrap_err();
        assert!(wrong(|set| set.drain_window = Some("soon".into())).contains("--drain-window"));
        assert!(wrong(|set| set.drain_window = Some("2h".into())).contains("at most 3600s"));
        assert!(wrong(|set| set.admin_listen = Some(crate::config::LISTEN)).contains("another port"));
        assert!(wrong(|set| set.tls_cert = Some("x".into())).contains("--tls-key is missing"));
        assert!(wrong(|set| set.tls_key = Some("x".into())).contains("--tls-cert is missing"));
        assert!(wrong(|set| set.allowed_origins = Some("example.com".into())).contains("--allowed-origins"));
        assert!(wrong(|set| set.trusted_proxies = Some("10.0.0.0/99".into())).contains("10.0.0.0/99"));
        assert!(wrong(|set| set.trusted_proxies = Some("0.0.0.0/0".into())).contains("everybody"));
        let everywhere = |set: &mut Settings| (set.dev, set.listen) = (true, "0.0.0.0:8000".parse().ok());
        assert!(edge(everywhere).unwrap_err().contains("--dev-host"), "told once");
        let twice = |set: &mut Settings| {
            everywhere(set);
            set.dev_host = Some("laptop.local".into());
        };
        assert!(edge(twice).is_ok() && edge(|set| set.listen = "[::]:8000".parse().ok()).is_ok());
        assert!(
            wrong(|set| (set.dev, set.listen) = (true, "[::ffff:10.0.0.1]:8000".parse().ok())).contains("--dev-host")
        );
        assert_eq!(edge(|set| set.dev = true).unwrap().drain_window, Duration::ZERO, "Ctrl-C on a laptop");
        assert_eq!(edge(|_| {}).unwrap().drain_window, limits::DRAIN_WINDOW);
    }
}
