//! People in rooms: what they do there that is no entry of a log, what is kept of them, and what is computed of it.

pub mod listed;
pub mod marks;
pub mod preferences;
pub mod receipts;
pub mod typing;
pub mod unread;
pub mod watch;
