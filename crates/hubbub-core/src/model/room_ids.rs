//! Which ids rooms have: chosen by the product's backend, or made here of a name that somebody gave.
//!
//! What a client gives is a name of its own, and no id: the room's id is a hash of both. So nobody can be there before the
//! product's backend or another user, whoever asks again finds the room, and who asks learns nothing of other rooms.

use super::ids::{Invalid, RoomId, UserId, is_no_path_step};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// What ids of direct rooms begin with.
const DIRECT: &str = "direct.";
/// What ids of sessions begin with that were opened without naming one.
const SESSION: &str = "session.";
/// What ids of rooms begin with that were made of a user and the name this user gave.
const NAMED: &str = "u.";
/// Bytes of the hash in such an id: nobody finds two names with one hash.
const NAMED_BYTES: usize = 24;

impl RoomId {
    /// Parses the id that the product's backend chose for a new room.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_chosen(s: &str) -> Result<Self, Invalid> {
        is_no_path_step("id", s)?;
        match [DIRECT, SESSION, NAMED].into_iter().find(|prefix| s.starts_with(prefix)) {
            Some(prefix) => Err(reserved(prefix)),
            None => Self::parse_as("id", s),
        }
    }

    /// Parses what a client calls a room: a name of its own, or the id that was made of one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_name(s: &str) -> Result<Self, Invalid> {
        if s.starts_with(NAMED) { Self::parse_as("id", s) } else { Self::parse_chosen(s) }
    }

    /// Parses what a session is called that is to be opened or resumed: a name, or an id that was handed out before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_resumed(s: &str) -> Result<Self, Invalid> {
        if s.starts_with(SESSION) { Self::parse_as("id", s) } else { Self::parse_name(s) }
    }

    /// Whether the product's backend may have chosen this id: ids that are made here nobody chooses.
    ///
    /// # Errors
    /// The refusal of whoever does, whether or not there is such a room.
    pub fn check_chosen(&self) -> Result<(), Invalid> {
        Self::parse_chosen(self.as_str()).map(drop)
    }

    /// The room of a user that this user calls `name`.
    pub fn named(user: &UserId, name: &Self) -> Self {
        Self::hashed(NAMED, NAMED_BYTES, &["room", user.as_str(), name.as_str()])
    }

    /// The session of a customer with a portal that this customer calls `name`.
    pub fn named_session(portal: &str, customer: &UserId, name: &Self) -> Self {
        Self::hashed(NAMED, NAMED_BYTES, &["session", portal, customer.as_str(), name.as_str()])
    }

    /// The one direct room of two people, whichever of them asks.
    pub fn direct(one: &UserId, other: &UserId) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self::of_two(DIRECT, first.as_str(), second.as_str())
    }

    /// The one direct room of these people, whichever of them asks.
    pub fn direct_of(people: &BTreeSet<UserId>) -> Self {
        let mut people: Vec<&str> = people.iter().map(UserId::as_str).collect();
        match people.as_slice() {
            [one] => Self::of_two(DIRECT, one, one),
            [one, other] => Self::of_two(DIRECT, one, other),
            _ => {
                people.insert(0, "people");
                Self::hashed(DIRECT, NAMED_BYTES, &people)
            }
        }
    }

    /// The room for the same people after so many of theirs were deleted: of a direct room or a session that nobody has named.
    #[must_use]
    pub fn after_deletions(&self, deleted: u32) -> Self {
        let prefix = if self.as_str().starts_with(SESSION) { SESSION } else { DIRECT };
        match deleted {
            0 => self.clone(),
            _ => Self::hashed(prefix, NAMED_BYTES, &["again", self.as_str(), &deleted.to_string()]),
        }
    }

    /// The one session of a customer with a portal that is opened without naming an id.
    pub fn session(portal: &str, customer: &UserId) -> Self {
        Self::of_two(SESSION, portal, customer.as_str())
    }

    fn of_two(prefix: &str, first: &str, second: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update((first.len() as u64).to_be_bytes());
        hash.update(first);
        hash.update(second);
        Self::of_hash(prefix, &hash.finalize()[..16])
    }

    /// Every part goes in with its length, so that no two lists of parts are hashed alike.
    fn hashed(prefix: &str, bytes: usize, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update("hubbub room id 1");
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self::of_hash(prefix, &hash.finalize()[..bytes])
    }

    fn of_hash(prefix: &str, hash: &[u8]) -> Self {
        let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        Self::trusted(format!("{prefix}{hex}"))
    }
}

fn reserved(prefix: &str) -> Invalid {
    Invalid::new("id", format!("the prefix {prefix} is reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn room(id: &str) -> RoomId {
        RoomId::parse(id).unwrap()
    }

    #[test]
    fn no_room_is_called_what_urls_leave_out() {
        for id in [".", ".."] {
            assert_eq!(RoomId::parse_chosen(id).unwrap_err().to_string(), "id: no URL can name it");
            assert!(RoomId::parse(id).is_ok(), "rooms made before are still read");
        }
        assert!(RoomId::parse_chosen("...").is_ok());
    }

    #[test]
    fn a_direct_room_is_the_same_from_both_sides() {
        let (ana, ben) = (UserId::parse("ana").unwrap(), UserId::parse("ben").unwrap());
        assert_eq!(RoomId::direct(&ana, &ben), RoomId::direct(&ben, &ana));
        assert!(RoomId::parse(RoomId::direct(&ana, &ben).as_str()).is_ok());
    }

    #[test]
    fn a_direct_room_is_of_a_set_of_people_in_whichever_order() {
        let of = |names: &[&str]| RoomId::direct_of(&names.iter().map(|name| user(name)).collect());
        assert_eq!(of(&["ben", "ana"]), RoomId::direct(&user("ana"), &user("ben")), "as two always had");
        assert_eq!(of(&["ana", "ana"]), RoomId::direct(&user("ana"), &user("ana")));
        assert_eq!(of(&["cem", "ana", "ben", "ana"]), of(&["ana", "ben", "cem"]));
        assert_eq!(of(&["ana", "ben", "cem"]).as_str(), "direct.d0502422977a9b266c94cacf194fd646e9b6624ce6adca82");
        let ids = [
            of(&["ana"]),
            of(&["ana", "ben"]),
            of(&["ana", "ben", "cem"]),
            of(&["anab", "en", "cem"]),
            of(&["ana", "ben", "cem", "dora"]),
            of(&["ana", "ben"]).after_deletions(1),
            of(&["ana", "ben"]).after_deletions(2),
            of(&["ana", "ben", "cem"]).after_deletions(1),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(of(&["ana", "ben"]).after_deletions(0), of(&["ana", "ben"]));
        assert!(ids.iter().all(|id| id.check_chosen().is_err() && RoomId::parse(id.as_str()).is_ok()));
    }

    #[test]
    fn a_name_is_its_users_own_and_never_moves() {
        let (ana, eve) = (user("ana"), user("eve"));
        let name = room("order-4712");
        assert_eq!(RoomId::named(&ana, &name).as_str(), "u.5bad47e712094f701596ae6080143c4032a21b595ae2e260");
        let longest = room(&"x".repeat(64));
        assert!(RoomId::parse(RoomId::named(&ana, &longest).as_str()).is_ok());
        // Borders between the parts count, and so does what it is a name of.
        let ids = [
            RoomId::named(&ana, &name),
            RoomId::named(&eve, &name),
            RoomId::named(&user("ana4"), &room("712")),
            RoomId::named(&user("ana"), &room("4712")),
            RoomId::named_session("desk", &ana, &name),
            RoomId::named_session("desk2", &ana, &name),
            RoomId::named_session("desk", &eve, &name),
            RoomId::named_session("room", &ana, &name),
            RoomId::session("desk", &ana),
            RoomId::direct(&ana, &eve),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn nobody_chooses_an_id_that_is_made_here() {
        for made in [
            RoomId::named(&user("ana"), &room("r")),
            RoomId::session("desk", &user("ana")),
            room("direct.x"),
            room("u."),
        ] {
            assert!(made.check_chosen().unwrap_err().to_string().contains("is reserved"), "{made}");
            assert!(RoomId::parse(made.as_str()).is_ok());
        }
        for chosen in ["u", "up.x", "U.x", "sessions.x", "general"] {
            assert!(room(chosen).check_chosen().is_ok(), "{chosen}");
        }
        assert!(RoomId::parse_name("u.0").is_ok() && RoomId::parse_name("session.0").is_err());
        assert!(RoomId::parse_resumed("u.0").is_ok() && RoomId::parse_resumed("direct.0").is_err());
    }
}
