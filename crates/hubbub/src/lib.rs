//! Hubbub: a chat backend that product teams drop in next to their own.

pub mod bus;
pub mod store;
