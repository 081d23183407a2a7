//! What a group commit reads and writes, whatever the database.

use super::{
    entry::{Draft, Entry, EventName, Opening, Outcome, Place, Right},
    hash::BodyHash,
    kinds::{Change, SessionState, What},
    ledger::Ledger,
    room::RoomProposal,
};
use crate::model::{
    access::Membership,
    ids::{Key, RoomId, UserId},
    seq::{Epoch, Seq},
    time::Timestamp,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// What must be read, under the rooms' locks, to decide drafts. In order: rooms are locked in this order everywhere.
#[derive(Debug, Default)]
pub struct BatchReads<'a> {
    /// The rooms.
    pub rooms: BTreeSet<&'a RoomId>,
    /// Whose standing in which room.
    pub people: BTreeSet<(&'a RoomId, &'a UserId)>,
    /// Keys that the log may have already.
    pub keys: BTreeSet<(&'a RoomId, &'a UserId, &'a Key)>,
    /// Events that may have been taken already, and the rooms whose entries are to take them. They are taken in this order,
    /// behind the locks of the rooms.
    pub events: BTreeSet<(&'a EventName, &'a RoomId)>,
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
            reads.events.extend(draft.once.as_deref().map(|event| (event, &draft.room)));
        }
        reads
    }
}

/// What must be written.
#[derive(Debug, Default)]
pub struct BatchWrites<'a> {
    /// One per draft.
    pub outcomes: Vec<Outcome>,
    /// The new entries, in order.
    pub entries: Vec<NewEntry<'a>>,
    /// Rooms that have new entries.
    pub raised: BTreeMap<RoomId, Raised>,
    /// Those of them that are support sessions.
    pub sessions: BTreeSet<RoomId>,
    /// Memberships that changed; strangers have none.
    pub changed: BTreeMap<(RoomId, UserId), Membership>,
    /// Events that were taken, and the entries that took them.
    pub events: BTreeMap<EventName, (RoomId, Seq)>,
}

/// An entry that is to be written.
#[derive(Debug)]
pub struct NewEntry<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// Its id, number and time.
    pub place: Place,
    /// Who did it.
    pub from: &'a UserId,
    /// What makes it happen once.
    pub key: Cow<'a, Key>,
    /// What the key stands for.
    pub hash: &'a BodyHash,
    /// What happened.
    pub what: &'a What,
}

impl<'a> NewEntry<'a> {
    fn of(draft: &'a Draft, place: Place) -> Self {
        let key = Cow::Borrowed(&draft.key);
        Self { room: &draft.room, place, from: &draft.from, key, hash: &draft.hash, what: &draft.what }
    }

    fn opening(draft: &'a Draft, opening: &'a Opening, place: Place) -> Self {
        let key = Cow::Owned(opening.key());
        Self { room: &draft.room, place, from: &draft.from, key, hash: &opening.hash, what: Opening::WHAT }
    }

    /// The entry as it is in the log.
    pub fn entry(&self) -> Entry {
        Entry {
            room: self.room.clone(),
            seq: self.place.seq,
            id: self.place.id,
            from: self.from.clone(),
            at: self.place.at,
            key: self.key.clone().into_owned(),
            what: self.what.clone(),
        }
    }
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
    /// Whether the session's own portal wrote all of the new entries: then a cursor of the portal with nothing to do moves along.
    pub by_portal: bool,
}

impl<'a> BatchWrites<'a> {
    /// Decides `drafts` one after another.
    pub fn of(mut ledger: Ledger, drafts: &'a [Draft], at: Timestamp) -> Self {
        let mut writes = Self::default();
        for draft in drafts {
            let outcome = ledger.apply(draft, at);
            match outcome {
                Outcome::Appended(place) => writes.take(draft.right, NewEntry::of(draft, place)),
                Outcome::Reopened { ref opening, ref place } => {
                    let opens = draft.opening.as_deref().map(|opens| NewEntry::opening(draft, opens, **opening));
                    opens.into_iter().for_each(|entry| writes.take(draft.right, entry));
                    writes.take(draft.right, NewEntry::of(draft, **place));
                }
                Outcome::Repeated { .. }
                | Outcome::Known(_)
                | Outcome::Conflict { .. }
                | Outcome::Unchanged
                | Outcome::Refused(_) => {}
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
        writes.events = ledger.taken;
        writes
    }

    /// The first entries of a new room, by right of its creation and not by the rules of a room that is there already.
    pub fn founding(new: &'a RoomProposal, epoch: Epoch, at: Timestamp) -> Self {
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
            writes.take(draft.right, NewEntry::of(draft, Place { id: draft.id, seq, epoch, at }));
        }
        writes
    }

    fn take(&mut self, right: Right, entry: NewEntry<'a>) {
        let raised = self.raised.entry(entry.room.clone()).or_default();
        let is_first = raised.first == Seq::ZERO;
        if is_first {
            raised.first = entry.place.seq;
        }
        raised.by_portal = right == Right::Portal && (is_first || raised.by_portal);
        raised.head = entry.place.seq;
        self.entries.push(entry);
    }
}
