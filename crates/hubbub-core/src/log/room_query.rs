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
    /// The ids among which they are: after the first, from the second on and before the third, byte by byte.
    pub fn range(&self) -> (&str, &str, String) {
        let prefix = self.prefix.as_ref().map_or("", RoomId::as_str);
        // Ids are of letters, digits and three signs: whatever has the prefix is before the prefix and this.
        (self.after.as_ref().map_or("", RoomId::as_str), prefix, format!("{prefix}~"))
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
                let (after, from, to) = query.range();
                after < id && from <= id && id < to.as_str()
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
        assert!(of(Some("z"), None)(&zs) && !of(Some("a"), None)("b"));
    }
}
