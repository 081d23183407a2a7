//! The portal's own ids of its conversations. They move: a session has had several, and two sessions may have one. What goes out
//! is the newest that the portal has said; what comes in finds its session by every one.

use super::settings::ExternalConflict;
use crate::model::ids::RoomId;

/// A session that has, or had, an id of the portal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The session.
    pub session: RoomId,
    /// Newer sessions have greater numbers.
    pub made: i64,
    /// It is not closed.
    pub open: bool,
    /// It is the id that goes out from this session.
    pub current: bool,
}

/// Who tells a session's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teacher {
    /// The portal's answer to a webhook of ours, or the product's backend: it holds from now on, whoever else has it.
    Answer,
    /// A webhook of the portal's, which may be late. It tells only what no other session has.
    Webhook {
        /// What it says newly goes out from now on: the portal's answers say nothing.
        leads: bool,
    },
}

impl Teacher {
    /// Whether the id goes out from now on.
    pub const fn leads(self) -> bool {
        match self {
            Self::Answer => true,
            Self::Webhook { leads } => leads,
        }
    }
}

/// An id of the portal's for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// The session.
    pub session: RoomId,
    /// The portal's own id of the conversation.
    pub external: String,
    /// Who says so.
    pub by: Teacher,
}

/// For whom a message is that names only an id of the portal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No session has or had it.
    Nobody,
    /// This one.
    One(RoomId),
    /// Several have it.
    Shared {
        /// The one that the rule chooses; `None`: it chooses none.
        chosen: Option<RoomId>,
        /// All of them, the oldest first.
        among: Vec<RoomId>,
    },
}

/// Who of those that have or had an id is meant by it. Whose it is now comes before whose it was.
pub fn find(holders: &[Holder], rule: ExternalConflict) -> Found {
    let any_current = holders.iter().any(|holder| holder.current);
    let mut meant: Vec<&Holder> = holders.iter().filter(|holder| holder.current || !any_current).collect();
    meant.sort_by_key(|holder| holder.made);
    match meant[..] {
        [] => Found::Nobody,
        [one] => Found::One(one.session.clone()),
        _ => {
            let newest = meant.iter().max_by_key(|holder| (holder.open, holder.made));
            let chosen = newest.filter(|_| rule == ExternalConflict::Newest).map(|holder| holder.session.clone());
            Found::Shared { chosen, among: meant.iter().map(|holder| holder.session.clone()).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(made: i64, open: bool, current: bool) -> Holder {
        Holder { session: session(made), made, open, current }
    }

    fn session(n: i64) -> RoomId {
        RoomId::parse(&format!("s{n}")).unwrap()
    }

    #[test]
    fn an_id_means_whoever_has_it_now_and_else_whoever_had_it() {
        let newest = |holders: &[Holder]| find(holders, ExternalConflict::Newest);
        assert_eq!(newest(&[]), Found::Nobody);
        assert_eq!(newest(&[holder(1, false, false)]), Found::One(session(1)), "closed, and it has another by now");
        assert_eq!(newest(&[holder(2, true, false), holder(1, false, true)]), Found::One(session(1)));
        let shared = |chosen: i64, among: &[i64]| Found::Shared {
            chosen: Some(session(chosen)),
            among: among.iter().map(|n| session(*n)).collect(),
        };
        let (a, b, c) = (holder(1, true, true), holder(2, true, true), holder(3, false, true));
        assert_eq!(newest(&[c.clone(), a.clone(), b.clone()]), shared(2, &[1, 2, 3]), "the newest is closed");
        assert_eq!(newest(&[holder(4, false, true), c.clone()]), shared(4, &[3, 4]), "all are closed");
        assert_eq!(newest(&[holder(5, true, false), a.clone(), b.clone()]), shared(2, &[1, 2]));
        assert_eq!(newest(&[holder(5, true, false), holder(6, false, false)]), shared(5, &[5, 6]));
    }

    #[test]
    fn other_rules_choose_nobody_but_only_among_several() {
        for rule in [ExternalConflict::Refuse, ExternalConflict::Quarantine] {
            assert_eq!(find(&[holder(1, true, true)], rule), Found::One(session(1)));
            let among = vec![session(1), session(2)];
            let two = [holder(1, true, true), holder(2, true, true)];
            assert_eq!(find(&two, rule), Found::Shared { chosen: None, among });
        }
    }
}
