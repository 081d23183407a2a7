//! Reads from a URL where a broker is. The URL may hold a password, so errors repeat nothing of it.

use hubbub_core::model::percent;

/// Why a bus cannot be started: its URL cannot be understood, or names a file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the bus cannot be understood: {0}")]
pub struct BusUrlError(pub(super) String);

impl From<&str> for BusUrlError {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// `scheme://[user[:password]@]host[:port][,host[:port]]…[/path]`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Each `host:port`.
    pub(super) hosts: Vec<String>,
    pub(super) path: String,
}

impl Address {
    /// Reads what follows the colon after the scheme. `port` is that of hosts that are written without one.
    pub(super) fn parse(rest: &str, port: u16) -> Result<Self, BusUrlError> {
        let rest = rest.strip_prefix("//").ok_or("// is expected after the colon")?;
        if rest.contains(['?', '#']) {
            return Err("it has options; percent-encode ? and # in its password".into());
        }
        let (login, places) = match rest.rsplit_once('@') {
            Some((login, places)) => (Some(login), places),
            None => (None, rest),
        };
        let (user, password) = match login {
            None => (None, None),
            Some(login) if login.contains(['@', '/']) => return Err(ENCODE.into()),
            Some(login) => match login.split_once(':') {
                Some((user, password)) => (Some(decode(user)?), Some(decode(password)?)),
                None => (Some(decode(login)?), None),
            },
        };
        let (hosts, path) = places.split_once('/').unwrap_or((places, ""));
        let hosts = hosts.split(',').map(|host| with_port(host, port)).collect::<Result<_, _>>()?;
        Ok(Self { user, password, hosts, path: path.to_owned() })
    }
}

const ENCODE: &str = "percent-encode @ : / ? # and % in its password";
const HOST: &str = "host:port is expected, several with commas between them";

fn with_port(host: &str, port: u16) -> Result<String, BusUrlError> {
    let name_ok =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let address_ok = |name: &str| name.parse::<std::net::Ipv6Addr>().is_ok();
    let (name, given) = match host.strip_prefix('[').map(|host| host.split_once(']')) {
        Some(Some((name, rest))) if address_ok(name) => (format!("[{name}]"), rest),
        Some(_) => return Err(HOST.into()),
        None => {
            let (name, _) = host.split_once(':').unwrap_or((host, ""));
            if !name_ok(name) {
                return Err(HOST.into());
            }
            (name.to_owned(), &host[name.len()..])
        }
    };
    match given.strip_prefix(':') {
        None if given.is_empty() => Ok(format!("{name}:{port}")),
        Some(given) if given.parse::<u16>().is_ok_and(|port| port > 0) => Ok(format!("{name}:{given}")),
        _ => Err(HOST.into()),
    }
}

fn decode(text: &str) -> Result<String, BusUrlError> {
    percent::decode(text).ok_or_else(|| ENCODE.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_understood() {
        let address = Address::parse("//ana:hu%40sh@one,two:7,[::1]:8,[::2]/chat", 4222).expect("an address");
        assert_eq!(address.hosts, ["one:4222", "two:7", "[::1]:8", "[::2]:4222"]);
        assert_eq!((address.user.as_deref(), address.password.as_deref()), (Some("ana"), Some("hu@sh")));
        assert_eq!(address.path, "chat");
        let address = Address::parse("//token@one", 4222).expect("an address");
        assert_eq!((address.user.as_deref(), address.password), (Some("token"), None));
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_it() {
        for rest in [
            "",
            "one",
            "//",
            "//one,,two",
            "//one:x",
            "//one:0",
            "//u:hush@",
            "//u:hu@sh@one",
            "//u:hu/sh@one",
            "//u:hu%zzsh@one",
            "//u:hu%ffsh@one",
            "//u:hush@one:99999",
            "//[::1",
            "//u:hush@one?tls=1",
            "//u:hush@o ne",
        ] {
            let error = Address::parse(rest, 1).err().unwrap_or_else(|| panic!("{rest}")).to_string();
            assert!(!error.contains("sh"), "{rest}: {error}");
        }
    }
}
