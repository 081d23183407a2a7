use super::*;

fn allowed(list: &str) -> Allowed {
    Allowed::parse(list).unwrap()
}

#[test]
fn a_url_is_one_of_the_web_and_holds_no_secret() {
    let long = format!("https://a.example/{}", "x".repeat(2_048));
    for (url, good) in [
        ("https://a.example", true),
        ("https://a.example:8443/hooks?x=1", true),
        ("HTTP://127.0.0.1/", true),
        ("https://bücher.example/", true),
        ("ftp://a.example", false),
        ("file:///etc/passwd", false),
        ("https://", false),
        ("https:///x", true),
        ("a.example", false),
        ("", false),
        ("https://user@a.example", false),
        ("https://:pass@a.example", false),
        ("https://a.example/#x", false),
        ("https://a.example/a b", false),
        ("ht\ntps://a.example/", false),
        ("https://a.example:99999/", false),
        ("https://[::1", false),
        (&long, false),
    ] {
        assert_eq!(check_url(url).is_ok(), good, "{url}");
    }
    assert_eq!(check_url(&long).unwrap_err().to_string(), "url: 2066 bytes; the limit is 2048");
}

#[test]
fn only_addresses_of_the_public_internet_are_public() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
        "4000::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00::1",
        "2003::1",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn an_address_is_recognized_in_every_spelling() {
    let nothing = Allowed::default();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "①②⑦.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "0",
    ] {
        let url = format!("https://{host}/latest");
        assert!(may_call(&url, &nothing).is_err(), "{url}");
    }
    let local = allowed("127.0.0.0/8, [::1]");
    for host in ["127.0.0.1", "2130706433", "0177.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
        assert_eq!(may_call(&format!("http://{host}:9000/"), &local), Ok(()), "{host}");
    }
    for host in ["10.0.0.1", "[::2]", "[::ffff:10.0.0.1]"] {
        assert!(may_call(&format!("https://{host}/"), &local).is_err(), "{host}");
    }
    let refused = may_call("https://2130706433/", &nothing).unwrap_err().to_string();
    assert_eq!(refused, "url: 127.0.0.1 is not public, and not allowed");
}

#[test]
fn plain_http_is_for_hosts_that_are_allowed() {
    let some = allowed("portal.internal 8.8.8.8 127.0.0.0/8");
    for (url, good) in [
        ("https://anything.example/", true),
        ("https://8.8.4.4/", true),
        ("http://anything.example/", false),
        ("http://8.8.4.4/", false),
        ("http://8.8.8.8/", true),
        ("http://portal.internal/", true),
        ("http://PORTAL.internal.:80/", true),
        ("http://x.portal.internal/", false),
        ("http://localhost:9000/", true),
        ("http://a.localhost/", true),
        ("http://notlocalhost/", false),
        ("not a url", false),
    ] {
        assert_eq!(may_call(url, &some).is_ok(), good, "{url}");
    }
    assert!(may_call("http://localhost/", &allowed("10.0.0.0/8")).is_err());
    assert!(may_call("http://localhost/", &allowed("localhost")).is_ok());
    assert!(may_call("http://localhost/", &allowed("[::1]/128")).is_ok());
}

#[test]
fn what_a_name_leads_to_is_judged_by_address() {
    let some = allowed("portal.internal,127.0.0.0/8,fd00:1::/32");
    for (host, address, good) in [
        ("a.example", "8.8.8.8", true),
        ("a.example", "10.0.0.1", false),
        ("a.example", "169.254.169.254", false),
        ("a.example", "::ffff:10.0.0.1", false),
        ("a.example", "fd00:1::5", true),
        ("a.example", "fd00:2::5", false),
        ("Portal.Internal", "10.0.0.1", true),
        ("portal.internal.", "10.0.0.1", true),
        ("localhost", "127.0.0.1", true),
        ("localhost", "::1", false),
        ("localhost", "8.8.8.8", false),
    ] {
        assert_eq!(may_connect(host, None, address.parse().unwrap(), &some), good, "{host} {address}");
    }
    assert!(!may_connect("a.example", None, "127.0.0.1".parse().unwrap(), &Allowed::default()));
}

#[test]
fn a_list_of_what_is_allowed_is_read_or_refused() {
    for list in [
        "",
        " , ",
        "0.0.0.0/0",
        "::/0",
        "[fd00::/8]",
        "[fd00::]/8",
        "a.example,b.example",
        "127.0.0.1/32",
        "a:80",
        "[fd00::/8]:443",
        "::1",
    ] {
        assert!(Allowed::parse(list).is_ok(), "{list}");
    }
    for list in [
        "10.0.0.0/33",
        "10.0.0.0/",
        "::1/129",
        "10.0.0.0/-1",
        "a b@c",
        "http://a.example",
        "a.example/8",
        "*.a",
        "a:0",
        "a:65536",
        "a:+80",
        "a:",
        "10.0.0.0/8:http",
        "[::1]:",
    ] {
        assert!(Allowed::parse(list).is_err(), "{list}");
    }
    let refused = Allowed::parse("localhost, 10.0.0.0/33").unwrap_err().to_string();
    let problem =
        "`10.0.0.0/33` is no host name, address or network like 10.1.0.0/16, with or without a port like :8443";
    assert_eq!(refused, format!("portal_allow: {problem}"));
    assert!(may_connect("x", None, "10.1.2.3".parse().unwrap(), &allowed("0.0.0.0/0")));
    assert!(!may_connect("x", None, "::1".parse().unwrap(), &allowed("0.0.0.0/0")));
}

#[test]
fn what_is_allowed_at_one_port_is_allowed_at_no_other() {
    let some = allowed("desk.internal:8443, 10.1.0.0/16:9000, [::1]:7000, 10.2.0.1");
    assert_eq!(some.ports(), [7_000, 8_443, 9_000].into());
    for (url, good) in [
        ("http://desk.internal:8443/", true),
        ("http://desk.internal/", false),
        ("http://desk.internal:9000/", false),
        ("https://10.1.2.3:9000/", true),
        ("https://10.1.2.3/", false),
        ("https://10.1.2.3:8443/", false),
        ("http://[::1]:7000/", true),
        ("http://[::1]:7001/", false),
        ("http://localhost:7000/", true),
        ("http://localhost:8443/", false),
        ("https://10.2.0.1:1/", true),
        ("https://anything.example:1/", true),
    ] {
        assert_eq!(may_call(url, &some).is_ok(), good, "{url}");
    }
    for (host, at, address, good) in [
        ("desk.internal", Some(8_443), "10.9.9.9", true),
        ("desk.internal", Some(9_000), "10.9.9.9", false),
        ("desk.internal", None, "10.9.9.9", false),
        ("other.internal", Some(9_000), "10.1.2.3", true),
        ("other.internal", Some(8_443), "10.1.2.3", false),
        ("other.internal", None, "10.1.2.3", false),
        ("other.internal", None, "10.2.0.1", true),
        ("other.example", None, "8.8.8.8", true),
    ] {
        assert_eq!(may_connect(host, at, address.parse().unwrap(), &some), good, "{host} at {at:?}: {address}");
    }
    let refused = may_call("https://10.1.2.3/", &some).unwrap_err().to_string();
    assert_eq!(refused, "url: 10.1.2.3 is not public, and not allowed at this port");
}
