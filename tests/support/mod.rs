//! What the suites and stories share.
#![allow(dead_code, reason = "no suite uses all of it")]

pub mod door;
pub mod nginx;
pub mod postgres;
pub mod provider;
pub mod redis;
mod resp;
pub mod signer;
