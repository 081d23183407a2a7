//! What the suites and stories share.
#![allow(dead_code, reason = "no suite uses all of it")]

pub mod door;
pub mod network;
pub mod postgres;
pub mod redis;
pub mod redis_fleet;
mod resp;
pub mod tls;
