//! Where a broker is, from a URL that may hold a password.

/// Why a bus cannot be started. The URL is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the bus cannot be understood: {0}")]
pub struct AddressError(pub(super) &'static str);

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
    /// Reads what follows the scheme's colon. A host without a port gets that one.
    pub(super) fn parse(rest: &str, port: u16) -> Result<Self, AddressError> {
        let rest = rest.strip_prefix("//").ok_or(AddressError("// is expected after the colon"))?;
        if rest.contains(['?', '#']) {
            return Err(AddressError("it has options; percent-encode ? and # in its password"));
        }
        let (people, places) = match rest.rsplit_once('@') {
            Some((people, places)) => (Some(people), places),
            None => (None, rest),
        };
        let (user, password) = match people {
            None => (None, None),
            Some(people) if people.contains(['@', '/']) => return Err(AddressError(ENCODE)),
            Some(people) => match people.split_once(':') {
                Some((user, password)) => (Some(decode(user)?), Some(decode(password)?)),
                None => (Some(decode(people)?), None),
            },
        };
        let (hosts, path) = places.split_once('/').unwrap_or((places, ""));
        let hosts = hosts.split(',').map(|host| with_port(host, port)).collect::<Result<_, _>>()?;
        Ok(Self { user, password, hosts, path: path.to_owned() })
    }
}

const ENCODE: &str = "percent-encode @ : / ? # and % in its password";
const HOST: &str = "host:port is expected, several with commas between them";

fn with_port(host: &str, port: u16) -> Result<String, AddressError> {
    let name_ok =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let address_ok = |name: &str| name.parse::<std::net::Ipv6Addr>().is_ok();
    let (name, given) = match host.strip_prefix('[').map(|host| host.split_once(']')) {
        Some(Some((name, rest))) if address_ok(name) => (format!("[{name}]"), rest),
        Some(_) => return Err(AddressError(HOST)),
        None => {
            let (name, _) = host.split_once(':').unwrap_or((host, ""));
            if !name_ok(name) {
                return Err(AddressError(HOST));
            }
            (name.to_owned(), &host[name.len()..])
        }
    };
    match given.strip_prefix(':') {
        None if given.is_empty() => Ok(format!("{name}:{port}")),
        Some(given) if given.parse::<u16>().is_ok_and(|port| port > 0) => Ok(format!("{name}:{given}")),
        _ => Err(AddressError(HOST)),
    }
}

fn decode(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(AddressError(ENCODE));
        };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| AddressError(ENCODE))
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
