//! Which addresses may be called: none that a stranger could use to reach what is behind our walls.
//!
//! Two looks are needed: [`may_call`] at the URL before each call, which judges what is written as an address, and
//! [`may_connect`] at each address that a name has, right where it is connected to.

use crate::{limits, model::ids::Invalid};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;
use url::{Host, Url};

/// Networks of IPv4 that are not the public internet.
const NOT_PUBLIC: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// The only part of IPv6 that is public.
const GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// What of it is not: protocols (Teredo among them), documentation, 6to4.
const NOT_GLOBAL: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether this is an address of the public internet. Those that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) are
/// not: no portal has one.
pub fn is_public(address: IpAddr) -> bool {
    let within = |(network, bits): (IpAddr, u32)| is_within(address, network, bits);
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC.into_iter().any(|(network, bits)| within((network.into(), bits))),
        IpAddr::V6(_) => {
            within((GLOBAL.0.into(), GLOBAL.1))
                && !NOT_GLOBAL.into_iter().any(|(network, bits)| within((network.into(), bits)))
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.checked_shr(32_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.checked_shr(128_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// What an operator allows besides the public internet: hosts by name, addresses and networks, at any port or at one. Nothing by
/// default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    names: Vec<(String, Option<u16>)>,
    networks: Vec<(IpAddr, u32, Option<u16>)>,
}

impl Allowed {
    /// Reads a list with commas or spaces between: `127.0.0.0/8, [::1]:9000, 10.1.0.0/16:8443, portal.internal:8080`.
    ///
    /// # Errors
    /// Which item is none of these.
    pub fn parse(list: &str) -> Result<Self, Invalid> {
        let mut allowed = Self::default();
        for item in list.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty()) {
            let wrong = || {
                let problem = format!(
                    "`{item}` is no host name, address or network like 10.1.0.0/16, with or without a port like :8443"
                );
                Invalid::new("portal_allow", problem)
            };
            let (host, port) = match item.rsplit_once(':') {
                // The colons of an address that is not in brackets are its own.
                Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
                    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
                    let port: Option<u16> = port.parse().ok().filter(|port| digits && *port > 0);
                    (host, Some(port.ok_or_else(wrong)?))
                }
                _ => (item, None),
            };
            let bare = host.replace(['[', ']'], "");
            if let Some((address, bits)) = bare.split_once('/') {
                let address: IpAddr = address.parse().map_err(|_| wrong())?;
                let most = if address.is_ipv4() { 32 } else { 128 };
                let bits = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?;
                allowed.networks.push((address, bits, port));
            } else if let Ok(address) = bare.parse::<Ipv6Addr>() {
                allowed.networks.push((address.into(), 128, port));
            } else {
                match Host::parse(host).map_err(|_| wrong())? {
                    Host::Domain(name) if name.contains('*') => return Err(wrong()),
                    Host::Domain(name) => allowed.names.push((plain(&name).to_owned(), port)),
                    Host::Ipv4(address) => allowed.networks.push((address.into(), 32, port)),
                    Host::Ipv6(address) => allowed.networks.push((address.into(), 128, port)),
                }
            }
        }
        Ok(allowed)
    }

    /// The ports that are named: what is allowed differs from one to another.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.names
            .iter()
            .filter_map(|(_, port)| *port)
            .chain(self.networks.iter().filter_map(|(.., port)| *port))
            .collect()
    }

    fn names(&self, host: &str, at: Option<u16>) -> bool {
        let host = plain(host);
        self.names.iter().any(|(name, port)| name.eq_ignore_ascii_case(host) && is_at(*port, at))
    }

    fn holds(&self, address: IpAddr, at: Option<u16>) -> bool {
        // A mapped address leads to the IPv4 address in it.
        let addresses = [address, address.to_canonical()];
        let mut networks = self.networks.iter().filter(|(.., port)| is_at(*port, at));
        networks.any(|(network, bits, _)| addresses.into_iter().any(|address| is_within(address, *network, *bits)))
    }

    /// Whether something of this machine is allowed there.
    fn holds_loopback(&self, at: Option<u16>) -> bool {
        self.networks.iter().any(|(network, bits, port)| is_at(*port, at) && is_loopback((*network, *bits)))
    }
}

/// Whether what is allowed at this port, or at any, is allowed there.
fn is_at(port: Option<u16>, at: Option<u16>) -> bool {
    port.is_none() || port == at
}

/// Without the dot that ends a name that is complete.
fn plain(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// A name that is always this machine (RFC 6761).
fn is_localhost(host: &str) -> bool {
    let host = plain(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Reads a URL that can be a portal's.
pub(super) fn parse(url: &str) -> Result<Url, Invalid> {
    let wrong = |problem: &str| Invalid::new("url", problem);
    if url.len() > limits::PORTAL_URL_BYTES {
        return Err(Invalid::too_long("url", url.len(), limits::PORTAL_URL_BYTES));
    }
    // The parser passes over some of these: what is kept should be what is called.
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong("no white space is allowed"));
    }
    let parsed = Url::parse(url).map_err(|why| wrong(&why.to_string()))?;
    if !matches!(parsed.scheme(), "https" | "http") {
        return Err(wrong("it begins with https://"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("no user and no password are allowed in it"));
    }
    if parsed.fragment().is_some() {
        return Err(wrong("no fragment is allowed: it would not be sent"));
    }
    Ok(parsed)
}

/// Checks that a portal's URL can be one, whatever this instance may call.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str) -> Result<(), Invalid> {
    parse(url).map(|_| ())
}

/// Checks the address under which a portal knows us: a scheme, a host, and a path where everything is below one.
///
/// # Errors
/// What is wrong with it.
pub fn check_public_url(url: &str) -> Result<(), Invalid> {
    let wrong = |why: String| Err(Invalid::new("public_url", why));
    match parse(url) {
        Err(why) => wrong(why.problem),
        Ok(parsed) if parsed.query().is_some() || url.ends_with('?') => wrong("no query is allowed".into()),
        Ok(_) if url.ends_with('/') => wrong("it does not end in /".into()),
        Ok(_) => Ok(()),
    }
}

/// Whether this URL may be called, as far as it can be told before its name is resolved. An address, in whatever spelling, must
/// be public or allowed. Plain http is for hosts that are allowed: by name or by address. `localhost` may be called by http, too,
/// where an address of this machine is allowed: [`may_connect`] then lets it lead to those only.
///
/// # Errors
/// Why it may not.
pub fn may_call(url: &str, allowed: &Allowed) -> Result<(), Invalid> {
    let wrong = |problem: String| Err(Invalid::new("url", problem));
    let parsed = parse(url)?;
    let (address, named) = match parsed.host() {
        Some(Host::Domain(name)) => (None, name.to_owned()),
        Some(Host::Ipv4(address)) => (Some(IpAddr::V4(address)), address.to_string()),
        Some(Host::Ipv6(address)) => (Some(IpAddr::V6(address)), address.to_string()),
        None => return wrong("no host".into()),
    };
    let port = parsed.port_or_known_default();
    let is_allowed = match address {
        Some(address) => allowed.holds(address, port),
        None => allowed.names(&named, port) || (is_localhost(&named) && allowed.holds_loopback(port)),
    };
    if address.is_some_and(|address| !is_public(address)) && !is_allowed {
        let where_else = if allowed.ports().is_empty() { "" } else { " at this port" };
        return wrong(format!("{named} is not public, and not allowed{where_else}"));
    }
    if parsed.scheme() == "http" && !is_allowed {
        return wrong(format!("plain http to {named} is not allowed; it begins with https://"));
    }
    Ok(())
}

fn is_loopback((network, bits): (IpAddr, u32)) -> bool {
    network.is_loopback()
        || [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .any(|address| is_within(address, network, bits))
}

/// Whether an address that this host was resolved to may be connected to: it is public, or allowed itself, or the host is allowed
/// by its name; at this port, which is one of [`Allowed::ports`], or at any other. What `localhost` is resolved to is never taken for public.
pub fn may_connect(host: &str, at: Option<u16>, resolved: IpAddr, allowed: &Allowed) -> bool {
    allowed.names(host, at) || allowed.holds(resolved, at) || (is_public(resolved) && !is_localhost(host))
}

#[cfg(test)]
mod tests;
