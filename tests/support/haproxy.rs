//! A real HAProxy before some instances, with `deploy/haproxy/haproxy.cfg`: it inserts a cookie, and goes by the query or
//! the header `sticky` where a client has none.

use super::balancer::{Balancer, shipped, with_instances};
use std::net::SocketAddr;

/// The balancer.
#[derive(Debug)]
pub struct Haproxy(Balancer);

impl Haproxy {
    /// Starts one before these instances.
    ///
    /// # Panics
    /// Without an installed HAProxy.
    pub async fn before(instances: &[SocketAddr]) -> Self {
        let run = |file: &std::path::Path| vec!["-db".into(), "-f".into(), file.display().to_string()];
        Self(Balancer::start("haproxy", |_, addr| Self::configuration(addr, instances), run).await)
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// The shipped file, for a user without rights.
    pub fn configuration(addr: SocketAddr, instances: &[SocketAddr]) -> String {
        let text = shipped(
            "haproxy/haproxy.cfg",
            &[
                ("log /dev/log local0", "log stdout format raw local0"),
                ("    user haproxy\n    group haproxy\n", ""),
                ("maxconn 50000", "maxconn 4000"),
                ("    bind :80 ", &format!("    bind {addr} ")),
            ],
        );
        with_instances(&text, instances)
    }
}
