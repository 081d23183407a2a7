//! Ports for programs that are started and listen themselves.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below those that the system gives to connections: one of these may be given away before the program listens.
const FIRST: u16 = 10_000;
const MANY: u16 = 20_000;

/// A port on which nobody listens, for now. Each is given once, until all were.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Suites that run side by side begin elsewhere.
    let begin = (std::process::id() * 577 % u32::from(MANY)) as u16;
    loop {
        let nth = GIVEN.fetch_add(1, Ordering::Relaxed) % MANY;
        let port = FIRST + (begin + nth) % MANY;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The same as an address of this machine.
pub fn free_addr() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}
