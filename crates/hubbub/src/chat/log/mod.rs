//! The way of an entry into the log, and from there to everybody.

pub mod admission;
pub mod announcer;
pub mod committer;
pub mod gather;
mod locked;
