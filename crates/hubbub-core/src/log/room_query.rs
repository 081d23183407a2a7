//! Lists of all rooms, for the product's backend.

use super::room::Room;
use crate::model::{
    access::RoomKind,
    ids::{RoomId, UserId},
    time::Timestamp,
};

/// Which of all rooms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomQuery {
    /// Of this kind.
    pub kind: Option<RoomKind>,
    /// Whose ids begin so.
    pub prefix: Option<RoomId>,
    /// In which this user is a member.
    pub member: Option<UserId>,
    /// In which something has happened since.
    pub active_since: Option<Timestamp>,
    /// Those after this one, by id.
    pub after: Option<RoomId>,
}

/// A room among all, and when something has last happened there.
#[derive(Debug, Clone)]
pub struct FoundRoom {
    /// The room.
    pub room: Room,
    /// What it is about.
    pub topic: Box<str>,
    /// When its newest entry was taken; without any, when it was made.
    pub active_at: Timestamp,
}

/// Some of the rooms that were asked for, by id.
#[derive(Debug, Clone, Default)]
pub struct FoundRooms {
    /// They. There may be few or none although there are others: so many were looked at.
    pub rooms: Vec<FoundRoom>,
    /// Others may come after this one.
    pub next: Option<RoomId>,
}

impl RoomQuery {
    /// The ids among which they are: from the first on and before the second, byte by byte. One bound on each side: of two SQLite's
    /// index takes the first alone.
    pub fn range(&self) -> (String, String) {
        let prefix = self.prefix.as_ref().map_or("", RoomId::as_str);
        // Ids are of letters, digits and three signs. Whatever comes after an id is not before it and this; and whatever has the prefix
        // is before the prefix and that.
        let after = self.after.as_ref().map(|after| format!("{after}!"));
        let from = after.filter(|after| after.as_str() > prefix).unwrap_or_else(|| prefix.to_owned());
        (from, format!("{prefix}~"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_begins_so_is_in_the_range_and_nothing_else() {
        let of = |prefix: Option<&str>, after: Option<&str>| {
            let id = |id: &str| RoomId::parse(id).unwrap();
            let query = RoomQuery { prefix: prefix.map(id), after: after.map(id), ..RoomQuery::default() };
            move |id: &str| {
                let (from, to) = query.range();
                from.as_str() <= id && id < to.as_str()
            }
        };
        let zs = "z".repeat(64);
        let all = of(None, None);
        assert!(["-", ".", "0", "Z", "_", "z", &zs].iter().all(|id| all(id)));
        let team = of(Some("team-"), Some("team-b"));
        for (id, is_in) in [
            ("team-c", true),
            ("team-zz", true),
            ("team-b", false),
            ("team-a", false),
            ("team", false),
            ("teams", false),
        ] {
            assert_eq!(team(id), is_in, "{id}");
        }
        let nested = of(None, Some("a"));
        assert!(!nested("a") && ["a-", "a.", "a0", "aA", "a_", "b"].iter().all(|id| nested(id)));
        assert!(of(Some("team"), None)("team") && !of(Some("team"), Some("team"))("team"));
        assert!(of(Some("team"), Some("a"))("team"), "after what is before the prefix");
        assert!(of(Some("z"), None)(&zs) && !of(Some("a"), None)("b"));
    }
}
