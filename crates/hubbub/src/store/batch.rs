//! What a group commit reads and writes, whatever the database.

use super::NewRoom;
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Place, Timestamp, What},
        ledger::{Ledger, Membership},
    },
    model::{
        access::Standing,
        ids::{Key, RoomId, UserId},
        seq::{Epoch, Seq},
    },
    portal::session::SessionState,
};
use std::collections::{BTreeMap, BTreeSet};

/// What must be read, under the rooms' locks, to decide drafts. In order: rooms are locked in this order everywhere.
pub(crate) struct Asked<'a> {
    pub rooms: BTreeSet<&'a RoomId>,
    pub people: BTreeSet<(&'a RoomId, &'a UserId)>,
    pub keys: BTreeSet<(&'a RoomId, &'a UserId, &'a Key)>,
}

impl<'a> Asked<'a> {
    pub fn by(drafts: &'a [Draft]) -> Self {
        let mut asked = Self { rooms: BTreeSet::new(), people: BTreeSet::new(), keys: BTreeSet::new() };
        for draft in drafts {
            asked.rooms.insert(&draft.room);
            asked.people.insert((&draft.room, &draft.from));
            asked.keys.insert((&draft.room, &draft.from, &draft.key));
            match &draft.what {
                What::Joined { user, .. } | What::Left { user } | What::Banned { user } => {
                    asked.people.insert((&draft.room, user));
                }
                What::Message(_) | What::Renamed { .. } | What::State(_) => {}
            }
        }
        asked
    }
}

/// What must be written.
#[derive(Default)]
pub(crate) struct Decided<'a> {
    /// One per draft.
    pub outcomes: Vec<Outcome>,
    /// Drafts that became entries, in order.
    pub entries: Vec<(&'a Draft, Place)>,
    /// Rooms that have new entries.
    pub raised: BTreeMap<RoomId, Raised>,
    /// Those of them that are support sessions.
    pub sessions: BTreeSet<RoomId>,
    /// Memberships that changed; strangers have none.
    pub changed: BTreeMap<(RoomId, UserId), Membership>,
}

/// What new entries change about a room.
#[derive(Default)]
pub(crate) struct Raised {
    pub head: Seq,
    /// The first of the new entries.
    pub first: Seq,
    /// The newest message among the new entries.
    pub last_message: Option<Seq>,
    pub name: Option<String>,
    /// Where the session stands now.
    pub session: Option<SessionState>,
}

impl<'a> Decided<'a> {
    /// Decides `drafts` one after another.
    pub fn by(mut ledger: Ledger, drafts: &'a [Draft], at: Timestamp) -> Self {
        let mut decided = Self::default();
        for draft in drafts {
            let outcome = ledger.apply(draft, at);
            if let Outcome::Appended(place) = outcome {
                decided.take(draft, place);
            }
            decided.outcomes.push(outcome);
        }
        let is_session = |room: &&RoomId| ledger.rooms.get(*room).is_some_and(|room| room.session.is_some());
        decided.sessions = decided.raised.keys().filter(is_session).cloned().collect();
        for (room, state) in ledger.states {
            decided.raised.entry(room).or_default().session = Some(state);
        }
        decided.changed = ledger.changed;
        for (room, name) in ledger.renamed {
            decided.raised.entry(room).or_default().name = Some(name);
        }
        decided
    }

    /// The first entries of a new room: its members, by right of its creation and not by the rules of a room that is; and where
    /// it stands as a session.
    pub fn founding(new: &'a NewRoom, epoch: Epoch, at: Timestamp) -> Self {
        let mut decided = Self::default();
        let mut keys = BTreeSet::new();
        let mut seq = Seq::ZERO;
        for draft in &new.first {
            match &draft.what {
                What::Joined { user, role } => {
                    let who = (new.id.clone(), user.clone());
                    if decided.changed.contains_key(&who) || !keys.insert((&draft.from, &draft.key)) {
                        continue;
                    }
                    seq = seq.next();
                    decided.changed.insert(who, Membership { standing: Standing::Member(*role), since: seq });
                }
                What::State(_) => seq = seq.next(),
                What::Message(_) | What::Left { .. } | What::Banned { .. } | What::Renamed { .. } => continue,
            }
            decided.take(draft, Place { id: draft.id, seq, epoch, at });
        }
        decided
    }

    fn take(&mut self, draft: &'a Draft, place: Place) {
        let raised = self.raised.entry(draft.room.clone()).or_default();
        if raised.first == Seq::ZERO {
            raised.first = place.seq;
        }
        raised.head = place.seq;
        if matches!(draft.what, What::Message(_)) {
            raised.last_message = Some(place.seq);
        }
        self.entries.push((draft, place));
    }
}
