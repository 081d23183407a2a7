//! What every implementation of a seam must do, run against each of them.

#[path = "../support/postgres.rs"]
mod postgres;
mod store;
