//! What every implementation of a seam must do.

mod bus;
#[path = "../support/mod.rs"]
mod support;
