//! What hangs on a room by its number, and is cleared away once the room was deleted.

/// The tables that have rows of a room, and what a row's key is beside the room. Their column `room` is its number. Who was a member is
/// the last to go. Names of portals' events are not among them: repeats of what was taken are told by them.
pub(crate) const TABLES: [(&str, &str); 17] = [
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
    ("room_infos", "topic"),
    ("preferences", "user_id"),
    ("reports", "no"),
    ("invites", "user_id, by_user"),
    (MEMBERS, "user_id"),
];

/// The table of who was in it.
pub(crate) const MEMBERS: &str = "members";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteStore;
    use std::collections::BTreeSet;

    /// Their rows stay, or are emptied by their own statements.
    const OTHERS: [&str; 2] = ["portal_events", "quarantine"];

    #[test]
    fn every_table_that_has_something_of_a_room_is_emptied() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hubbub.db");
        drop(SqliteStore::open(&path).unwrap());
        let file = rusqlite::Connection::open(&path).unwrap();
        let of_rooms = "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name = 'room'";
        let mut statement = file.prepare(of_rooms).unwrap();
        let there: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let known = TABLES.iter().map(|(table, _)| *table).chain(OTHERS).map(str::to_owned).collect();
        assert_eq!(there, known);
    }
}
