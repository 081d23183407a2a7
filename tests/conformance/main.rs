//! What every implementation of a seam must do, run against each of them.

mod bus;
mod portals;
mod store;
#[path = "../support/mod.rs"]
mod support;
