//! Delivery to somebody outside, who reads a log by a cursor kept in the store.

pub mod breaker;
pub mod retry;
