//! Under which names a server answers that is only for trying out. A page of the internet whose name suddenly leads to this machine (DNS
//! rebinding) says its own name, and is refused.

use anyhow::bail;
use std::net::IpAddr;

/// See the module. This machine's own names are always among them: localhost and loopback addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Reads names and addresses, separated by commas, without ports.
    ///
    /// # Errors
    /// When one is neither, after the option.
    pub fn parse(option: &str, text: &str) -> anyhow::Result<Self> {
        let mut hosts = Vec::new();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let is_name = one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            match (one.trim_matches(['[', ']']).parse::<IpAddr>(), is_name) {
                (Ok(address), _) => hosts.push(address.to_canonical().to_string()),
                (Err(_), true) => hosts.push(plain(one)),
                (Err(_), false) => {
                    bail!("{option} {one}: a name like chat.internal or an address is expected, without a port")
                }
            }
        }
        Ok(Self(hosts))
    }

    /// Whether none are named.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request for this host is one for us. The port is whatever leads here.
    pub fn have(&self, host: &str) -> bool {
        let Some(host) = without_port(host) else { return false };
        let address = host.strip_prefix('[').map_or(Some(host), |inner| inner.strip_suffix(']'));
        if let Some(Ok(address)) = address.map(str::parse::<IpAddr>) {
            let address = address.to_canonical();
            return address.is_loopback() || self.0.contains(&address.to_string());
        }
        let name = plain(host);
        name == "localhost" || name.ends_with(".localhost") || self.0.contains(&name)
    }
}

fn without_port(host: &str) -> Option<&str> {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => {
            (port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()).then_some(name)
        }
        _ => Some(host),
    }
}

/// In lower case, without the dot that ends a whole name.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_its_names_and_others_must_be_named() {
        let none = Hosts::default();
        for own in [
            "localhost",
            "localhost:8000",
            "LocalHost.",
            "ana.localhost:1",
            "127.0.0.1",
            "127.0.0.1:8000",
            "127.8.9.1",
            "[::1]",
            "[::1]:8000",
            "[::ffff:127.0.0.1]:8000",
        ] {
            assert!(none.have(own), "{own}");
        }
        for foreign in [
            "",
            "rebind.evil",
            "rebind.evil:8000",
            "127.0.0.1.evil",
            "localhost.evil",
            "evil.localhost.evil",
            "127.0.0.1@evil",
            "evil/localhost",
            "xlocalhost",
            "10.0.0.1",
            "[::2]",
            "[fe80::1]:80",
            "localhost:80:evil",
            "localhost:evil",
            ":80",
            "0.0.0.0",
            "[::]",
            "127.1",
            "0x7f000001",
            "2130706433",
            "localhost..",
            "127.0.0.1.",
        ] {
            assert!(!none.have(foreign), "{foreign}");
        }
        let some = Hosts::parse("--dev-host", "Chat.Internal, 10.0.0.1,[fd00::7]").unwrap();
        for own in ["chat.internal:8000", "CHAT.internal.", "10.0.0.1:8000", "[fd00::7]:1", "localhost"] {
            assert!(some.have(own), "{own}");
        }
        for foreign in ["x.chat.internal", "10.0.0.2", "[fd00::8]"] {
            assert!(!some.have(foreign), "{foreign}");
        }
        for wrong in ["*", "chat:8000", "http://chat", "a b", "é"] {
            assert!(Hosts::parse("--dev-host", wrong).unwrap_err().to_string().contains("--dev-host"), "{wrong}");
        }
    }
}
