//! What a group commit reads and writes, whatever the database.

use super::{
    entry::{Draft, Outcome, Place},
    kinds::{Change, SessionState},
    ledger::Ledger,
    room::NewRoom,
};
use crate::model::{
    access::Membership,
    ids::{Key, RoomId, UserId},
    seq::{Epoch, Seq},
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// What must be read, under the rooms' locks, to decide drafts. In order: rooms are locked in this order everywhere.
#[derive(Debug, Default)]
pub struct BatchReads<'a> {
    /// The rooms.
    pub rooms: BTreeSet<&'a RoomId>,
    /// Whose standing in which room.
    pub people: BTreeSet<(&'a RoomId, &'a UserId)>,
    /// Keys that the log may have already.
    pub keys: BTreeSet<(&'a RoomId, &'a UserId, &'a Key)>,
}

impl<'a> BatchReads<'a> {
    /// What these drafts need.
    pub fn of(drafts: &'a [Draft]) -> Self {
        let mut reads = Self::default();
        for draft in drafts {
            reads.rooms.insert(&draft.room);
            reads.people.insert((&draft.room, &draft.from));
            reads.people.extend(draft.what.about().map(|user| (&draft.room, user)));
            reads.keys.insert((&draft.room, &draft.from, &draft.key));
        }
        reads
    }
}

/// What must be written.
#[derive(Debug, Default)]
pub struct BatchWrites<'a> {
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
#[derive(Debug, Default)]
pub struct Raised {
    /// The last of the new entries.
    pub head: Seq,
    /// The first of the new entries.
    pub first: Seq,
    /// The newest message among the new entries.
    pub last_message: Option<Seq>,
    /// The new name.
    pub name: Option<String>,
    /// Where the session stands now.
    pub session: Option<SessionState>,
}

impl<'a> BatchWrites<'a> {
    /// Decides `drafts` one after another.
    pub fn of(mut ledger: Ledger, drafts: &'a [Draft], at: Timestamp) -> Self {
        let mut writes = Self::default();
        for draft in drafts {
            let outcome = ledger.apply(draft, at);
            if let Outcome::Appended(place) = outcome {
                writes.take(draft, place);
            }
            writes.outcomes.push(outcome);
        }
        let is_session = |room: &&RoomId| ledger.rooms.get(*room).is_some_and(|room| room.session.is_some());
        writes.sessions = writes.raised.keys().filter(is_session).cloned().collect();
        for (room, seq) in ledger.newest {
            writes.raised.entry(room).or_default().last_message = Some(seq);
        }
        for (room, state) in ledger.states {
            writes.raised.entry(room).or_default().session = Some(state);
        }
        for (room, name) in ledger.renamed {
            writes.raised.entry(room).or_default().name = Some(name);
        }
        writes.changed = ledger.changed;
        writes
    }

    /// The first entries of a new room, by right of its creation and not by the rules of a room that is there already.
    pub fn founding(new: &'a NewRoom, epoch: Epoch, at: Timestamp) -> Self {
        let mut writes = Self::default();
        let mut keys = BTreeSet::new();
        let mut seq = Seq::ZERO;
        for draft in &new.first {
            let Some(change) = draft.what.founds() else { continue };
            if let Change::Stands(user, standing) = &change {
                let who = (new.id.clone(), user.clone());
                if writes.changed.contains_key(&who) || !keys.insert((&draft.from, &draft.key)) {
                    continue;
                }
                writes.changed.insert(who, Membership { standing: *standing, since: seq.next() });
            }
            seq = seq.next();
            writes.take(draft, Place { id: draft.id, seq, epoch, at });
        }
        writes
    }

    fn take(&mut self, draft: &'a Draft, place: Place) {
        let raised = self.raised.entry(draft.room.clone()).or_default();
        if raised.first == Seq::ZERO {
            raised.first = place.seq;
        }
        raised.head = place.seq;
        self.entries.push((draft, place));
    }
}
