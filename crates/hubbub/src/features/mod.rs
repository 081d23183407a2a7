//! What stands above the chat and uses it; a feature knows no other.

pub mod portals;
