//! Live delivery: the feed of a room on one instance, the cursors that read it, and what instances tell each other.

pub mod cursor;
pub mod feed;
pub mod lane;
pub mod presence;
pub mod wake;
