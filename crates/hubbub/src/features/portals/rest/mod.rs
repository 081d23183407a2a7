//! REST of portals, sessions and dead letters.

pub mod letters;
pub mod portals;
pub mod sessions;
