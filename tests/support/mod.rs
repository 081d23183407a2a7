//! What the suites and stories share.
#![allow(dead_code, reason = "no suite uses all of it")]

pub mod acme;
pub mod authority;
pub mod balancer;
pub mod door;
pub mod haproxy;
pub mod kafka;
pub mod nats;
pub mod network;
pub mod nginx;
pub mod pgbouncer;
pub mod portal;
pub mod ports;
pub mod postgres;
pub mod provider;
pub mod redis;
pub mod redis_fleet;
mod resp;
pub mod signer;
pub mod tls;
pub mod vendor;
pub mod vendors;
