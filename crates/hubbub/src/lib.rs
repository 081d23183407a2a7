//! Hubbub: a chat backend that product teams drop in next to their own.

// Who prints looks at closed pipes: `output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod clock;
pub mod crypto;
pub mod direct;
pub mod log;
pub mod metrics;
pub mod spans;

pub mod bus;
pub mod store;

pub mod chat;

pub mod openapi;
pub mod problem;
pub mod strangers;

pub mod gateway;
pub mod http;

pub mod features;

pub mod token;

pub mod check;
pub mod config;
pub mod demo_portal;
pub mod moving;
pub mod operator;
pub mod output;
pub mod server;
