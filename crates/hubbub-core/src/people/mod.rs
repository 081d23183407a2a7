//! People in rooms: what they do there that is no entry of a log.

pub mod typing;
pub mod watch;
