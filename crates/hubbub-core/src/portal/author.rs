//! Who wrote an entry of a session, as its portal is told: agents are to see whether it was the customer.

use crate::{log::entry::Entry, model::ids::UserId};
use serde::Serialize;

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Author<'a> {
    /// The user id.
    pub id: &'a str,
    /// What the user is in the session.
    pub kind: AuthorKind,
}

/// What somebody is in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// Its customer.
    Customer,
    /// Somebody else who writes there: a bot, a colleague, the agent of another portal.
    Member,
    /// The product's backend itself, for nobody.
    Backend,
}

impl AuthorKind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Member => "member",
            Self::Backend => "backend",
        }
    }
}

impl<'a> Author<'a> {
    /// Who wrote this entry of a session of `customer`.
    pub fn of(entry: &'a Entry, customer: &UserId) -> Self {
        let kind = if entry.from == *customer {
            AuthorKind::Customer
        } else if entry.from == UserId::backend() {
            AuthorKind::Backend
        } else {
            AuthorKind::Member
        };
        Self { id: entry.from.as_str(), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        log::kinds::{SessionState, What},
        model::{
            ids::{Key, RoomId},
            seq::Seq,
            time::Timestamp,
        },
    };

    #[test]
    fn whoever_is_not_the_customer_is_said_to_be_somebody_else() {
        let ana = UserId::parse("ana").unwrap();
        let wrote = |from: UserId| Entry {
            room: RoomId::parse("s1").unwrap(),
            seq: Seq::new(3),
            id: uuid::Uuid::from_u128(7),
            from,
            at: Timestamp(5),
            key: Key::parse("k").unwrap(),
            what: What::State(SessionState::Open),
        };
        let user = |id: &str| UserId::trusted(id.to_owned());
        for (from, kind) in [
            (ana.clone(), AuthorKind::Customer),
            (user("Ana"), AuthorKind::Member),
            (user("bot:faq"), AuthorKind::Member),
            (user("portal:desk2/ada"), AuthorKind::Member),
            (UserId::backend(), AuthorKind::Backend),
        ] {
            let entry = wrote(from);
            let author = Author::of(&entry, &ana);
            assert_eq!((author.id, author.kind), (entry.from.as_str(), kind));
            assert_eq!(serde_json::to_value(author).unwrap()["kind"], kind.word());
        }
    }
}
