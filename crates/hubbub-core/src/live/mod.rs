//! Live delivery: the feed of a room on one instance, the cursors that read it, and what instances tell each other.

pub mod cursor;
pub mod feed;
pub mod fingerprint;
pub mod held;
pub mod item;
pub mod lane;
pub mod online;
pub mod presence;
mod presence_json;
pub mod receipt;
pub mod signal;
pub mod stream_id;
pub mod wake;
