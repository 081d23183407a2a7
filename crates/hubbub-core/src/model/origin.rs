//! Where a connection comes from, as far as it matters for who shares a limit, and which proxies are believed about it.

use super::ids::Invalid;
use core::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// Bits of an IPv6 address that one customer of a provider has to himself at least.
const IPV6_BITS: u32 = 64;

/// All that share a limit: one IPv4 address, or one /64 of IPv6. A mapped address is the IPv4 address in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                Self(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - IPV6_BITS))).into())
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{IPV6_BITS}"),
        }
    }
}

/// Whose word is taken for where somebody comes from: addresses and networks of proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<(IpAddr, u32)>);

impl Proxies {
    /// Reads a list with commas or spaces between: `127.0.0.1, 10.0.0.0/8, [fd00::]/8`.
    ///
    /// # Errors
    /// Which item is neither an address nor a network.
    pub fn parse(list: &str) -> Result<Self, Invalid> {
        let items = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
        items.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nobody is listed.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn have(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, bits)| is_within(address, *network, *bits))
    }

    /// Whether the whole internet is listed: then anybody may say what they like.
    pub fn have_all(&self) -> bool {
        self.0.iter().any(|(_, bits)| *bits == 0)
    }

    /// Where a request comes from that one of them passed on: the rightmost address of `X-Forwarded-For` that is none of
    /// them, for each of them adds the one it was called from. The lines of the header are in the order they stand in.
    /// `None`: it is their own, such as a check of our health. What cannot be read is nobody's word: then it counts for the
    /// proxy, `peer`, that let it through.
    pub fn client<'a>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'a [u8]>) -> Option<Origin> {
        let mut nearest = peer;
        for line in lines.rev() {
            for item in line.rsplit(|byte| *byte == b',') {
                let item = item.trim_ascii();
                if item.is_empty() {
                    continue;
                }
                let Some(address) = std::str::from_utf8(item).ok().and_then(address) else {
                    return Some(nearest.into());
                };
                if !self.have(address) {
                    return Some(address.into());
                }
                nearest = address;
            }
        }
        None
    }
}

/// An address as proxies write it: alone, in brackets, or with the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        return inner.parse::<Ipv6Addr>().ok().filter(|_| is_port).map(Into::into);
    }
    let (address, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse::<core::net::Ipv4Addr>().ok().map(Into::into)
}

fn network(item: &str) -> Result<(IpAddr, u32), Invalid> {
    let wrong = || Invalid::new("trusted-proxies", format!("`{item}` is no address and no network like 10.1.0.0/16"));
    let bare = item.replace(['[', ']'], "");
    let (address, bits) = bare.split_once('/').map_or((&*bare, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most)).ok_or_else(wrong)?;
    // A mapped network is the IPv4 network in it, as addresses are.
    match address.to_canonical() {
        IpAddr::V4(inner) if address.is_ipv6() => Ok((inner.into(), bits.checked_sub(96).ok_or_else(wrong)?)),
        _ => Ok((address, bits)),
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(32_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(128_u32.saturating_sub(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn one_address_of_ipv4_or_a_network_of_ipv6_shares_a_limit() {
        assert_eq!(origin("::ffff:192.0.2.7"), origin("192.0.2.7"));
        assert_ne!(origin("192.0.2.7"), origin("192.0.2.8"));
        assert_eq!(origin("2001:db8:1:2::7"), origin("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(origin("2001:db8:1:2::7"), origin("2001:db8:1:3::7"));
        assert_eq!(origin("2001:db8:1:2::7").to_string(), "2001:db8:1:2::/64");
        assert_eq!(origin("::ffff:192.0.2.7").to_string(), "192.0.2.7");
        assert_ne!(origin("::1"), origin("127.0.0.1"));
    }

    #[test]
    fn a_list_of_proxies_is_addresses_and_networks() {
        let proxies = Proxies::parse("127.0.0.1, 10.1.0.0/16 [fd00::]/8,::ffff:192.0.2.0/120, 2001:db8::1").unwrap();
        for inside in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.255.3", "fdab::1", "192.0.2.9", "2001:db8::1"] {
            assert!(proxies.have(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["127.0.0.2", "10.2.0.0", "fe80::1", "192.0.3.1", "2001:db8::2", "::1"] {
            assert!(!proxies.have(outside.parse().unwrap()), "{outside}");
        }
        assert!(!proxies.have_all() && Proxies::parse("0.0.0.0/0").unwrap().have_all());
        assert!(Proxies::parse(" ,").unwrap().is_empty());
        for wrong in ["proxy.internal", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/-1", "::ffff:10.0.0.0/8", "*"] {
            let error = Proxies::parse(&format!("10.0.0.1,{wrong}")).unwrap_err().to_string();
            assert!(error.contains("trusted-proxies") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_where_it_comes_from() {
        let proxies = Proxies::parse("10.0.0.0/8,127.0.0.1,fd00::/8").unwrap();
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let client = |lines: &[&str]| {
            proxies.client(peer, lines.iter().map(|line| line.as_bytes())).map(|origin| origin.to_string())
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(client(&["192.0.2.7"]), is("192.0.2.7"));
        // What a client has made up stands to the left.
        assert_eq!(client(&["198.51.100.1, 192.0.2.7"]), is("192.0.2.7"));
        assert_eq!(client(&["198.51.100.1,192.0.2.7, 10.0.0.9"]), is("192.0.2.7"));
        // Several lines are one list.
        assert_eq!(client(&["198.51.100.1", "192.0.2.7"]), is("192.0.2.7"));
        assert_eq!(client(&["192.0.2.7, 198.51.100.1", "10.0.0.9", " 10.0.0.8 , fd00::1 "]), is("198.51.100.1"));
        // With ports, brackets, mapped.
        assert_eq!(client(&["192.0.2.7:4711"]), is("192.0.2.7"));
        assert_eq!(client(&["[2001:db8::7]:4711"]), is("2001:db8::/64"));
        assert_eq!(client(&["[2001:db8::7]"]), is("2001:db8::/64"));
        assert_eq!(client(&["2001:db8:0:1::7"]), is("2001:db8:0:1::/64"));
        assert_eq!(client(&["::ffff:192.0.2.7"]), is("192.0.2.7"));
        assert_eq!(client(&["192.0.2.7,,"]), is("192.0.2.7"));
        // Nobody, or proxies alone.
        assert_eq!((client(&[]), client(&[""]), client(&["10.0.0.9"])), (None, None, None));
        // What cannot be read is not passed over: what stands to its left would be anybody's word.
        assert_eq!(client(&["192.0.2.7, unknown"]), is("10.0.0.1"));
        assert_eq!(client(&["192.0.2.7, _hidden, 10.0.0.9"]), is("10.0.0.9"));
        for wrong in ["192.0.2.7:", "192.0.2.7:99999", "[2001:db8::7", "[::1]x", "192.0.2", "é", "2001:db8::7:x"] {
            assert_eq!(client(&[wrong]), is("10.0.0.1"), "{wrong}");
        }
        assert_eq!(proxies.client(peer, [&b"192.0.2.7, \xff"[..]].into_iter()), Some(origin("10.0.0.1")));
    }
}
