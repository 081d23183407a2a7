//! What the suites and stories share.
#![allow(dead_code, reason = "no suite uses all of it")]

pub mod door;
pub mod kafka;
pub mod nats;
pub mod postgres;
pub mod redis;
mod resp;
