use super::*;
use std::net::Ipv4Addr;

fn strangers(per_address: usize, room: usize) -> Arc<Strangers> {
    Strangers::new(Proxies::parse("10.0.0.0/8").unwrap(), per_address, room, Arc::default())
}

fn ip(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

fn from(address: &str) -> HeaderMap {
    HeaderMap::from_iter([(FORWARDED_FOR, address.parse().unwrap())])
}

fn is_cut(visitor: &Visitor) -> bool {
    visitor.poll_cut(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
}

const SOCKET: &str = "/connection/websocket";

#[test]
fn who_is_known_makes_room_for_the_next_of_its_address() {
    let (strangers, none) = (strangers(2, 1_000), HeaderMap::new());
    let here = [strangers.arrives(ip(1)), strangers.arrives(ip(1))];
    let late = strangers.arrives(ip(1));
    assert_eq!(late.asks(SOCKET, &none), Err(Full::Origin));
    assert_eq!(strangers.arrives(ip(2)).asks(SOCKET, &none), Ok(()), "of another address");
    assert!(late.is_late() && late.sent_of_body(1).is_err());
    here[0].is_identified();
    assert_eq!(late.asks(SOCKET, &none), Ok(()), "there is room now");
    assert!(!late.is_late() && here[0].asks(SOCKET, &none).is_ok() && here[0].sent_of_body(1 << 30).is_ok());
    drop((here, late));
    let metrics = &strangers.metrics.strangers;
    assert_eq!((metrics.here.get(), strangers.open.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn probes_and_api_keys_are_answered_beside_any_crowd() {
    let (strangers, none) = (strangers(1, 1_000), HeaderMap::new());
    let _crowd = strangers.arrives(ip(1));
    for path in ["/health/live", "/health/ready", "/metrics", "/v1/rooms"] {
        assert_eq!(strangers.arrives(ip(1)).asks(path, &none), Ok(()), "{path}");
    }
    for path in ["/", "/health/readyx", "/connection/sse", "/emulation", "/hooks/desk", "/v1"] {
        assert_eq!(strangers.arrives(ip(1)).asks(path, &none), Err(Full::Origin), "{path}");
    }
    let backend = strangers.arrives(ip(1));
    backend.asks("/v1/rooms", &none).unwrap();
    assert!(backend.sent_of_body(1).is_err(), "nothing is read of it before its key is known");
    backend.is_identified();
    assert!(backend.sent_of_body(1 << 30).is_ok() && !backend.is_late());
}

#[test]
fn of_those_without_a_seat_the_newest_are_heard() {
    let strangers = strangers(1, 80);
    let _seated = strangers.arrives(ip(1));
    let late: Vec<_> = (0..10 + 5).map(|_| strangers.arrives(ip(1))).collect();
    assert!(late[..5].iter().all(|visitor| is_cut(visitor)));
    assert!(!late[5..].iter().any(|visitor| is_cut(visitor)));
    // Who has been let in meanwhile is not among them any more.
    late[5].is_identified();
    let _more = [strangers.arrives(ip(1)), strangers.arrives(ip(1))];
    assert!(!is_cut(&late[5]) && is_cut(&late[6]));
}

#[test]
fn a_listed_proxy_is_no_address_and_each_of_its_requests_is_somebody() {
    let strangers = strangers(2, 1_000);
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    let idle: Vec<_> = (0..50).map(|_| strangers.arrives(proxy)).collect();
    assert!(idle.iter().all(|visitor| !visitor.is_late()), "before its first head it has no limit");
    let (one, other) = (from("192.0.2.1"), from("198.51.100.1, 192.0.2.2"));
    assert!(idle[0].asks(SOCKET, &one).is_ok() && idle[1].asks(SOCKET, &one).is_ok());
    assert_eq!(idle[2].asks(SOCKET, &one), Err(Full::Origin));
    assert_eq!(idle[3].asks(SOCKET, &other), Ok(()), "somebody else behind the same proxy");
    // A request is over when it is answered; one that became a client is not.
    idle[0].rests();
    assert_eq!(idle[2].asks(SOCKET, &one), Ok(()));
    idle[2].stays();
    idle[2].rests();
    assert_eq!(idle[4].asks(SOCKET, &one), Err(Full::Origin));
    idle[2].is_identified();
    assert_eq!(idle[4].asks(SOCKET, &one), Ok(()));
    // An API key was one request's, and says nothing of the next on the same connection.
    idle[5].asks("/v1/rooms", &from("192.0.2.9")).unwrap();
    idle[5].is_identified();
    assert_eq!(idle[5].asks(SOCKET, &one), Err(Full::Origin));
    assert_eq!(idle[6].asks(SOCKET, &HeaderMap::new()), Ok(()), "the proxy itself");
}

#[test]
fn what_an_unlisted_peer_says_of_others_is_not_believed() {
    let strangers = strangers(2, 1_000);
    let visitors: Vec<_> = (0..3).map(|_| strangers.arrives(ip(1))).collect();
    for (n, visitor) in visitors.iter().enumerate() {
        let asked = visitor.asks(SOCKET, &from(&format!("198.51.100.{n}")));
        assert_eq!(asked.is_err(), n == 2, "{n}");
    }
    assert_eq!(*locked(&strangers.unlisted), [ip(1)], "and its operator is told once");
}

#[test]
fn when_files_are_short_strangers_go_and_who_is_known_stays() {
    let (strangers, none) = (strangers(100, 4), HeaderMap::new());
    let known = [strangers.arrives(ip(1)), strangers.arrives(ip(2))];
    known.iter().for_each(|visitor| visitor.is_identified());
    let silent = [strangers.arrives(ip(3)), strangers.arrives(ip(3))];
    let next = strangers.arrives(ip(4));
    assert!(!next.is_late() && next.asks(SOCKET, &none).is_ok());
    assert_eq!(silent.iter().filter(|visitor| is_cut(visitor)).count(), 1);
    assert!(!known.iter().any(|visitor| is_cut(visitor)));
    drop((silent, next));
    let _more = [strangers.arrives(ip(5)), strangers.arrives(ip(5))].map(|visitor| {
        visitor.is_identified();
        visitor
    });
    let last = strangers.arrives(ip(6));
    assert!(last.is_late(), "nobody is there who could go");
    assert_eq!(last.asks("/health/ready", &none), Ok(()));
}

#[test]
fn heads_and_bodies_are_counted_until_they_are_answered() {
    let (strangers, none) = (strangers(100, 1_000), HeaderMap::new());
    let held = || strangers.metrics.strangers.bytes.get();
    let visitor = strangers.arrives(ip(1));
    visitor.sent_of_head(limits::SMALL_HEAD_BYTES - 10).unwrap();
    assert_eq!(held(), 0, "what everybody sends");
    visitor.sent_of_head(510).unwrap();
    visitor.asks("/emulation", &none).unwrap();
    visitor.sent_of_head(1_000).unwrap();
    visitor.sent_of_body(300).unwrap();
    assert_eq!(held(), 800, "what follows the head is counted as a body");
    assert!(visitor.sent_of_body(limits::STRANGER_BYTES).is_err());
    assert_eq!((visitor.rests(), held()), (Some(Fault::Crowded(Full::Origin)), 0));
    visitor.sent_of_head(7).unwrap();
    assert_eq!((visitor.rests(), held()), (None, 0));
}
