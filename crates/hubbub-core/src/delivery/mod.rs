//! Delivery of a log to somebody outside, who reads it by a cursor that is kept in the store.
//!
//! - [`stored_cursor`]: how the row of such a cursor changes.
//! - [`attempt`]: what is kept of each attempt.
//! - [`retry`]: what becomes of an attempt that failed.
//! - [`breaker`]: when a receiver that fails as a whole is left alone.
//! - [`turns`]: whose turn it is, so that nobody's backlog or poison delays somebody else.
//! - [`progress`]: how far the calls of one entry have come.
//! - [`forwarding`]: what the people of a room are told about it.

pub mod attempt;
pub mod breaker;
pub mod forwarding;
pub mod progress;
pub mod retry;
pub mod stored_cursor;
pub mod turns;
