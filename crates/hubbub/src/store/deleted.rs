//! What hangs on a room by its number, and is cleared away once the room was deleted.

/// The tables that have rows of a room, and what a row's key is beside the room. Their column `room` is its number. Who was a member is
/// the last to go.
pub(crate) const TABLES: [(&str, &str); 15] = [
    ("entries", "seq"),
    ("speakers", "user_id"),
    ("threads", "root"),
    ("reactions", "target, reaction, user_id"),
    ("reaction_counts", "target, reaction"),
    ("pins", "target"),
    ("reads", "user_id"),
    ("mentions", "user_id, seq"),
    ("cursors", "portal"),
    ("sessions", "id"),
    ("session_externals", "portal, external"),
    ("dead_letters", "no"),
    ("portal_events", "portal, event"),
    ("room_infos", "topic"),
    (MEMBERS, "user_id"),
];

/// The table of who was in it.
pub(crate) const MEMBERS: &str = "members";
