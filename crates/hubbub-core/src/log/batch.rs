//! What a group commit reads and writes, whatever the database.

use super::{
    entry::{Before, Draft, Entry, EventName, Outcome, Place, Right},
    hash::BodyHash,
    kinds::{Change, SessionState, What},
    ledger::{Changes, Happened, Ledger, RoomFacts},
    room::RoomProposal,
    settings::Settings,
    situation::Needs,
};
use crate::model::{
    access::Membership,
    ids::{Key, RoomId, UserId},
    seq::{Epoch, Seq},
    time::Timestamp,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
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
    /// Messages that drafts are about, and how much of each.
    pub targets: BTreeMap<(&'a RoomId, Seq), TargetDepth>,
    /// Reactions by senders.
    pub reactions: BTreeSet<(&'a RoomId, Seq, &'a str, &'a UserId)>,
    /// Rooms whose pinned messages are asked for.
    pub pins: BTreeSet<&'a RoomId>,
    /// Rooms whose admins and members are to be counted.
    pub admins: BTreeSet<&'a RoomId>,
    /// Rooms whose topic and data are asked for.
    pub infos: BTreeSet<&'a RoomId>,
}

/// How much of a message a draft asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetDepth {
    /// What it says now.
    pub content: bool,
    /// The numbers of its edits, and which of those messages of which they are asked for this is, in the order of the drafts.
    /// Those of the first are read, and of the others as long as they are [few](crate::limits::BLANKED_AT_ONCE) together.
    pub edits: Option<u16>,
}

impl<'a> BatchReads<'a> {
    /// What these drafts need.
    pub fn of(drafts: &'a [Draft]) -> Self {
        let mut reads = Self::default();
        let mut nth_deletion = 0;
        for draft in drafts {
            let room = &draft.room;
            reads.rooms.insert(room);
            reads.people.insert((room, &draft.from));
            reads.keys.insert((room, &draft.from, &draft.key));
            reads.events.extend(draft.once.as_deref().map(|event| (event, room)));
            let mut needs = Needs::default();
            draft.all().for_each(|what| what.needs(&mut needs));
            reads.people.extend(needs.people.into_iter().map(|user| (room, user)));
            for seq in needs.targets {
                reads.targets.entry((room, seq)).or_default();
            }
            for seq in needs.content {
                reads.targets.entry((room, seq)).or_default().content = true;
            }
            for seq in needs.edits {
                let depth = reads.targets.entry((room, seq)).or_default();
                if depth.edits.is_none() {
                    depth.edits = Some(nth_deletion);
                    nth_deletion = nth_deletion.saturating_add(1);
                }
            }
            reads.reactions.extend(needs.reactions.into_iter().map(|(seq, word)| (room, seq, word, &draft.from)));
            reads.pins.extend(needs.pins.then_some(room));
            reads.infos.extend(needs.info.then_some(room));
            let lowers_own = draft.right == Right::Own && needs.admins_if_by == Some(&draft.from);
            reads.admins.extend((needs.admins || lowers_own).then_some(room));
        }
        reads
    }

    /// What hangs on the rooms, where nothing of it is known yet: every message that is asked for has its place.
    pub fn unknown_facts(&self) -> HashMap<RoomId, RoomFacts> {
        let mut facts: HashMap<RoomId, RoomFacts> = HashMap::new();
        for (room, seq) in self.targets.keys() {
            facts.entry((*room).clone()).or_default().targets.insert(*seq, None);
        }
        for room in self.admins.iter().chain(&self.infos) {
            facts.entry((*room).clone()).or_default();
        }
        facts
    }

    /// Whether more is asked for than rooms, people, keys and events.
    pub fn is_deep(&self) -> bool {
        !(self.targets.is_empty()
            && self.reactions.is_empty()
            && self.pins.is_empty()
            && self.admins.is_empty()
            && self.infos.is_empty())
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
    /// What else changed. Its newest messages, names, states and settings are among [`raised`](Self::raised).
    pub changes: Changes,
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
    pub what: Cow<'a, What>,
    /// In `edited`: the edit of the same message before it.
    pub previous: Option<Seq>,
}

impl<'a> NewEntry<'a> {
    fn of(draft: &'a Draft, place: Place) -> Self {
        let key = Cow::Borrowed(&draft.key);
        let what = Cow::Borrowed(&draft.what);
        Self { room: &draft.room, place, from: &draft.from, key, hash: &draft.hash, what, previous: None }
    }

    fn before(draft: &'a Draft, before: &'a Before, place: Place) -> Self {
        let key = Cow::Owned(before.key());
        let what = Cow::Borrowed(&before.what);
        Self { room: &draft.room, place, from: &draft.from, key, hash: &before.hash, what, previous: None }
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
            what: self.what.clone().into_owned(),
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
    /// What is set of the room now.
    pub settings: Option<Settings>,
    /// Whether the session's own portal wrote all of the new entries: then a cursor of the portal with nothing to do moves along.
    pub by_portal: bool,
}

impl<'a> BatchWrites<'a> {
    /// Decides `drafts` one after another.
    pub fn of(mut ledger: Ledger, drafts: &'a [Draft], at: Timestamp) -> Self {
        let mut writes = Self::default();
        for draft in drafts {
            let outcome = ledger.apply(draft, at);
            writes.decided(draft, outcome);
        }
        writes.finish(ledger)
    }

    /// Takes `drafts` one after another as what happened there and then, up to the first that is not taken and was not there
    /// already: that one's outcome is the last.
    pub fn replayed(mut ledger: Ledger, drafts: &'a [Draft], happened: &[Happened]) -> Self {
        let mut writes = Self::default();
        for (draft, happened) in drafts.iter().zip(happened) {
            let outcome = ledger.replay(draft, *happened);
            let goes_on = matches!(outcome, Outcome::Appended(_) | Outcome::Filled { .. } | Outcome::Known(_));
            writes.decided(draft, outcome);
            if !goes_on {
                break;
            }
        }
        writes.finish(ledger)
    }

    fn decided(&mut self, draft: &'a Draft, outcome: Outcome) {
        match outcome {
            Outcome::Appended(place) => self.take(draft.right, NewEntry::of(draft, place)),
            Outcome::Both { ref before, ref place } => {
                let first = draft.before.as_deref().map(|first| NewEntry::before(draft, first, **before));
                first.into_iter().for_each(|entry| self.take(draft.right, entry));
                self.take(draft.right, NewEntry::of(draft, **place));
            }
            Outcome::Filled { ref place, ref what } => {
                let what = Cow::Owned((**what).clone());
                self.take(draft.right, NewEntry { what, ..NewEntry::of(draft, **place) });
            }
            Outcome::Repeated { .. }
            | Outcome::Known(_)
            | Outcome::Conflict { .. }
            | Outcome::Unchanged
            | Outcome::Refused(_)
            | Outcome::NotYet(_)
            | Outcome::PutOff => {}
        }
        self.outcomes.push(outcome);
    }

    /// Adds what the decisions have changed.
    fn finish(mut self, ledger: Ledger) -> Self {
        let is_session = |room: &&RoomId| ledger.rooms.get(*room).is_some_and(|room| room.session.is_some());
        self.sessions = self.raised.keys().filter(is_session).cloned().collect();
        let mut changes = ledger.changes;
        for (room, seq) in std::mem::take(&mut changes.newest) {
            self.raised.entry(room).or_default().last_message = Some(seq);
        }
        for (room, state) in std::mem::take(&mut changes.states) {
            self.raised.entry(room).or_default().session = Some(state);
        }
        for (room, name) in std::mem::take(&mut changes.renamed) {
            self.raised.entry(room).or_default().name = Some(name);
        }
        for (room, settings) in std::mem::take(&mut changes.settings) {
            self.raised.entry(room).or_default().settings = Some(settings);
        }
        for entry in &mut self.entries {
            if matches!(*entry.what, What::Edited(_)) {
                entry.previous = changes.previous.get(&(entry.room.clone(), entry.place.seq)).copied();
            }
        }
        self.changes = changes;
        self
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
                if writes.changes.members.contains_key(&who) || !keys.insert((&draft.from, &draft.key)) {
                    continue;
                }
                let since = seq.next();
                writes.changes.members.insert(who, Membership { standing: *standing, since, joined: since });
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
