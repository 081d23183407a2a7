//! Stories: what people see, told with real servers, real sockets and real faults.
//!
//! They wait for a level with a deadline and never sleep a fixed time.

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod http;
mod person;
mod wire;

mod bad_frames;
mod bad_input;
mod bus_faults;
mod crashes;
mod laptop;
mod lost_wakes;
mod membership;
mod redis_in_earnest;
mod rest;
mod sdks;
mod slow_readers;
mod store_faults;
mod team_chat;
