//! Whose web pages may talk to an instance from a browser. Apps and backends say no `Origin` and are not concerned.

use anyhow::{Context, bail, ensure};

/// See the module. Pages of the server's own host may always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    /// In lower case, without a default port.
    listed: Vec<String>,
    /// What comes after the one label that may be any, of origins with https: `.example.com`, `.example.com:8443`.
    below: Vec<String>,
}

/// What a request's `Origin` is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginStanding {
    /// There is none, or it is the server's own: nothing needs to be said about it.
    Own,
    /// Named in `--allowed-origins`.
    Listed,
    /// Allowed by `*`.
    Any,
    /// Nobody's we know.
    Foreign,
}

impl Origins {
    /// Reads `--allowed-origins`: origins separated by commas, some with `https://*.` in front where one label may be any, or `*`.
    ///
    /// # Errors
    /// When one is no origin.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut origins = Self::default();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let (scheme, host) = one.split_once("://").unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            if one == "*" {
                origins.any = true;
            } else if one.contains('*') {
                origins.below.push(below(one)?);
            } else if scheme.is_empty() || host.is_empty() || !host.chars().all(plain) {
                bail!(
                    "--allowed-origins {one}: an origin like https://app.example.com is expected, without a path, or * for all"
                );
            } else {
                origins.listed.push(normal(one));
            }
        }
        Ok(origins)
    }

    /// Whether it is everybody's pages.
    pub fn takes_any(&self) -> bool {
        self.any
    }

    /// What this `Origin` is to a server that was asked as `host`.
    pub fn judge(&self, origin: Option<&str>, host: Option<&str>) -> OriginStanding {
        let Some(origin) = origin else { return OriginStanding::Own };
        let origin = normal(origin);
        let (scheme, authority) = origin.split_once("://").unwrap_or_default();
        let own = host.map(|host| normal(&format!("{scheme}://{host}")));
        if !authority.is_empty() && own.as_deref() == Some(&origin) {
            OriginStanding::Own
        } else if self.listed.contains(&origin) || self.is_below(&origin) {
            OriginStanding::Listed
        } else if self.any {
            OriginStanding::Any
        } else {
            OriginStanding::Foreign
        }
    }
}

impl Origins {
    /// Whether an origin, in lower case and without a default port, is one of a pattern.
    fn is_below(&self, origin: &str) -> bool {
        let Some(authority) = origin.strip_prefix("https://") else { return false };
        let dot = authority.find('.').unwrap_or(authority.len());
        let (label, rest) = authority.split_at(dot);
        let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(is_label) && self.below.iter().any(|below| below == rest)
    }
}

/// What comes after the `*` of a pattern.
fn below(pattern: &str) -> anyhow::Result<String> {
    const EXPECTED: &str = "a pattern is https://*. and a name of at least two labels, like https://*.example.com; the * stands for one label";
    let said = || format!("--allowed-origins {pattern}: {EXPECTED}");
    let lower = normal(pattern);
    let rest = lower.strip_prefix("https://*").with_context(said)?;
    let (name, port) = rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port)));
    let labels: Vec<&str> = name.split('.').skip(1).collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // No name ends with a number; an address does.
    let is_name = labels.last().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let is_port = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    ensure!(name.starts_with('.') && labels.len() >= 2 && labels.iter().all(is_label) && is_name && is_port, said());
    Ok(rest.to_owned())
}

/// Whether an `Origin` is that of a page which this machine serves to itself over plain HTTP, on whichever port.
pub fn is_of_loopback(origin: &str) -> bool {
    let origin = origin.to_ascii_lowercase();
    let Some(authority) = origin.strip_prefix("http://") else { return false };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| match authority.strip_prefix(host) {
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        }),
        None => false,
    })
}

fn normal(origin: &str) -> String {
    let origin = origin.trim().to_ascii_lowercase();
    let port = match origin.split_once("://") {
        Some(("http" | "ws", _)) => ":80",
        Some(("https" | "wss", _)) => ":443",
        _ => return origin,
    };
    origin.strip_suffix(port).map_or(origin.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_those_of_its_own_three_names() {
        for own in [
            "http://localhost:5173",
            "http://127.0.0.1:1",
            "http://[::1]:65535",
            "http://localhost",
            "HTTP://LocalHost:80",
        ] {
            assert!(is_of_loopback(own), "{own}");
        }
        for foreign in [
            "",
            "null",
            "https://localhost:5173",
            "http://localhost.evil:5173",
            "http://localhost.:5173",
            "http://evil.localhost:5173",
            "http://localhost:5173.evil",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:65536",
            "http://localhost:+80",
            "http://localhost@evil",
            "http://127.0.0.1.evil",
            "http://127.0.0.2:80",
            "http://[::1].evil:80",
            "http://[::2]:80",
            "http://10.0.0.1:80",
            "file://localhost",
        ] {
            assert!(!is_of_loopback(foreign), "{foreign}");
        }
    }

    #[test]
    fn pages_of_the_same_host_may_and_others_must_be_named() {
        let none = Origins::default();
        let some = Origins::parse("https://app.example.com, http://localhost:5173,").unwrap();
        let all = Origins::parse("*").unwrap();
        for (origins, origin, host, standing) in [
            (&none, None, Some("chat.example.com"), OriginStanding::Own),
            (&none, Some("https://chat.example.com"), Some("chat.example.com"), OriginStanding::Own),
            (&none, Some("https://Chat.example.com"), Some("chat.example.com:443"), OriginStanding::Own),
            (&none, Some("http://127.0.0.1:8000"), Some("127.0.0.1:8000"), OriginStanding::Own),
            (&none, Some("http://127.0.0.1:8001"), Some("127.0.0.1:8000"), OriginStanding::Foreign),
            (&none, Some("https://evil.example"), Some("chat.example.com"), OriginStanding::Foreign),
            (&none, Some("https://chat.example.com.evil"), Some("chat.example.com"), OriginStanding::Foreign),
            (&none, Some("null"), Some("chat.example.com"), OriginStanding::Foreign),
            (&none, Some("null"), Some("null"), OriginStanding::Foreign),
            (&none, Some(""), Some(""), OriginStanding::Foreign),
            (&none, Some("https://chat.example.com"), None, OriginStanding::Foreign),
            (&some, Some("https://app.example.com:443"), Some("chat.example.com"), OriginStanding::Listed),
            (&some, Some("http://app.example.com"), Some("chat.example.com"), OriginStanding::Foreign),
            (&some, Some("http://localhost:5173"), Some("chat.example.com"), OriginStanding::Listed),
            (&some, Some("https://chat.example.com"), Some("chat.example.com"), OriginStanding::Own),
            (&all, Some("null"), Some("chat.example.com"), OriginStanding::Any),
        ] {
            assert_eq!(origins.judge(origin, host), standing, "{origin:?} at {host:?} by {origins:?}");
        }
        for text in ["example.com", "https://", "https://a/b", "//x"] {
            assert!(Origins::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_stands_for_one_label_of_a_name_with_https() {
        let some = Origins::parse("https://*.example.com, https://*.Preview.example.net:8443").unwrap();
        for (origin, listed) in [
            ("https://app.example.com", true),
            ("https://APP.Example.com:443", true),
            ("https://pr-12.preview.example.net:8443", true),
            ("https://xn--bcher-kva.example.com", true),
            ("https://example.com", false),
            ("https://.example.com", false),
            ("https://a.b.example.com", false),
            ("http://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("https://pr-12.preview.example.net", false),
            ("https://app.example.com.evil", false),
            ("https://evil-example.com", false),
            ("https://appexample.com", false),
            ("https://evil@app.example.com", false),
            ("https://evil/.example.com", false),
            ("https://*.example.com", false),
            ("null", false),
        ] {
            let standing = if listed { OriginStanding::Listed } else { OriginStanding::Foreign };
            assert_eq!(some.judge(Some(origin), Some("chat.example.org")), standing, "{origin}");
        }
        for text in [
            "https://*",
            "https://*.com",
            "https://*example.com",
            "https://a*.example.com",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "http://*.example.com",
            "*.example.com",
            "https://*.example.com/",
            "https://*.example.com:",
            "https://*.example.com:99999",
            "https://*..example.com",
            "https://*.10.0.0.1",
        ] {
            let error = Origins::parse(text).unwrap_err().to_string();
            assert!(error.contains("like https://*.example.com"), "{text}: {error}");
        }
    }
}
