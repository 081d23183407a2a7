//! The rules by which a room's log takes entries: what one transaction decides, given what it read under the lock.
//!
//! A store reads the state of the rooms it has locked into a [`Ledger`], applies the drafts in order, and writes what
//! changed. It is also the reference that the stores' own SQL is tested against.

pub use super::situation::{Person, RoomState, Target};
use super::{
    entry::{Draft, EventName, Outcome, Place},
    hash::BodyHash,
    kinds::{Change, SessionState, What},
    room::RoomInfo,
    situation::{Facts, NO_INFO, Situation},
};
use crate::model::{
    access::{Refusal, RoomKind, Standing},
    ids::{Key, RoomId, UserId},
    seq::Seq,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

mod changes;
mod replay;
#[cfg(test)]
mod tests;

pub use changes::{Changes, NewestEdit, ReactionCount, Speaker, ThreadChange};
pub use replay::Happened;

/// An entry that already has a key.
#[derive(Debug, Clone)]
pub struct Known {
    /// The entry's id.
    pub id: Uuid,
    /// Its number.
    pub seq: Seq,
    /// When it was taken.
    pub at: Timestamp,
    /// The hash of its original body; `None` once it was blanked: then any body fits.
    pub hash: Option<BodyHash>,
}

/// The reactions of a message, among those asked for.
#[derive(Debug, Clone, Default)]
pub struct Reactions {
    /// How often each is there, among those asked for; none that is not.
    pub counts: HashMap<Box<str>, ReactionCount>,
    /// How many different ones there are. Known where one of those asked for is not there.
    pub different: usize,
    /// Who has added which, among those asked for.
    pub by: BTreeSet<(Box<str>, UserId)>,
}

/// What hangs on a room beside its row, as far as it was asked for.
#[derive(Debug, Default)]
pub struct RoomFacts {
    /// The messages that were asked for: `None` where there is no message of this number.
    pub targets: HashMap<Seq, Option<Target>>,
    /// Reactions of messages that were asked for.
    pub reactions: HashMap<Seq, Reactions>,
    /// The pinned messages, each with the entry that pinned it.
    pub pins: BTreeMap<Seq, Seq>,
    /// How many admins and how many members there are. The latter may be counted to a thousand only.
    pub admins: (u64, u64),
    /// The room's topic and data.
    pub info: RoomInfo,
}

/// The locked rooms of one transaction.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The rooms, by id.
    pub rooms: HashMap<RoomId, RoomState>,
    /// Senders and those whom drafts are about; who is missing is a stranger.
    pub people: HashMap<(RoomId, UserId), Person>,
    /// What else drafts are about.
    pub facts: HashMap<RoomId, RoomFacts>,
    /// Keys that the log has already, among those asked for.
    pub known: HashMap<(RoomId, UserId, Key), Known>,
    /// Events that were taken before, among those asked for, and the entries that took them. `None`: the entry is not there
    /// any more. Who is missing is free to be taken.
    pub events: HashMap<EventName, Option<(RoomId, Place)>>,
    /// What changed.
    pub changes: Changes,
    /// How many entries were blanked.
    blanked: usize,
    /// Rooms with a draft that was put off: what is behind it waits with it.
    put_off: HashSet<RoomId>,
}

/// One of the locked rooms, for the rules.
struct Locked<'a> {
    ledger: &'a Ledger,
    id: &'a RoomId,
    facts: Option<&'a RoomFacts>,
}

impl Facts for Locked<'_> {
    fn person(&self, user: &UserId) -> Person {
        self.ledger.people.get(&(self.id.clone(), user.clone())).copied().unwrap_or_default()
    }

    fn target(&self, seq: Seq) -> Option<&Target> {
        self.facts?.targets.get(&seq)?.as_ref()
    }

    fn has_reacted(&self, target: Seq, reaction: &str, user: &UserId) -> bool {
        let reactions = self.facts.and_then(|facts| facts.reactions.get(&target));
        reactions.is_some_and(|all| all.by.contains(&(reaction.into(), user.clone())))
    }

    fn reactions(&self, target: Seq, reaction: &str) -> (usize, bool) {
        let reactions = self.facts.and_then(|facts| facts.reactions.get(&target));
        reactions.map_or((0, false), |all| (all.different, all.counts.contains_key(reaction)))
    }

    fn is_pinned(&self, target: Seq) -> bool {
        self.facts.is_some_and(|facts| facts.pins.contains_key(&target))
    }

    fn pins(&self) -> usize {
        self.facts.map_or(0, |facts| facts.pins.len())
    }

    fn admins(&self) -> (u64, u64) {
        self.facts.map_or((0, 0), |facts| facts.admins)
    }

    fn info(&self) -> &RoomInfo {
        self.facts.map_or(&NO_INFO, |facts| &facts.info)
    }
}

impl Ledger {
    /// Decides one draft and, if it is taken, numbers it.
    pub fn apply(&mut self, draft: &Draft, at: Timestamp) -> Outcome {
        let Some(room) = self.rooms.get(&draft.room) else {
            return Outcome::Refused(Refusal::UnknownRoom);
        };
        if self.put_off.contains(&draft.room) {
            return Outcome::PutOff;
        }
        // Its keys are gone along with its entries.
        if room.kind == RoomKind::Deleted {
            return Outcome::Refused(Refusal::RoomDeleted);
        }
        let (head, epoch) = (room.head, room.epoch);
        match draft.once.as_deref().and_then(|event| self.events.get(event)) {
            Some(Some((room, place))) => return Outcome::Repeated { room: room.clone(), place: Box::new(*place) },
            Some(None) => return Outcome::Unchanged,
            None => {}
        }
        let key = (draft.room.clone(), draft.from.clone(), draft.key.clone());
        if let Some(first) = self.known.get(&key) {
            if first.hash.is_some_and(|hash| hash != draft.hash) {
                return Outcome::Conflict { id: first.id, seq: first.seq };
            }
            let place = Place { id: first.id, seq: first.seq, epoch, at: first.at };
            self.take_event(draft, place);
            return Outcome::Known(place);
        }
        let locked = Locked { ledger: self, id: &draft.room, facts: self.facts.get(&draft.room) };
        let successor = draft.successor();
        let situation = Situation { right: draft.right, from: &draft.from, at, room, facts: &locked, successor };
        let rule = |what: &What| what.rule(&situation);
        let decided = rule(&draft.what).and_then(|own| {
            let before = draft.before.as_deref().map(|before| Ok((before, rule(&before.what)?))).transpose()?;
            situation.has_successor_among_members()?;
            Ok((before.and_then(|(before, change)| Some((before, change?))), own))
        });
        let (before, change, filled) = match decided {
            Ok((before, Some(change))) => (before, change, draft.what.fill(&situation)),
            // Of the two only the first is news: it is what the key stands for.
            Ok((Some((before, change)), None)) => (None, change, Some(before.what.clone())),
            Ok((None, None)) => {
                self.take_event_in_vain(draft);
                return Outcome::Unchanged;
            }
            Err(refusal) => return Outcome::Refused(refusal),
        };
        if let Some(feature) = draft.not_yet {
            return Outcome::NotYet(feature);
        }
        if !self.has_room_for(&draft.room, &draft.what) {
            self.put_off.insert(draft.room.clone());
            return Outcome::PutOff;
        }
        // Both or neither: a session that takes no message is not opened.
        let last = if before.is_some() { head.next() } else { head };
        if head == Seq::MAX || last == Seq::MAX {
            return Outcome::Refused(Refusal::LogFull);
        }
        let place = Place { id: draft.id, seq: last.next(), epoch, at };
        if let Some(room) = self.rooms.get_mut(&draft.room) {
            room.head = place.seq;
        }
        let before = before.map(|(before, change)| {
            let place = Place { id: before.id, seq: last, epoch, at };
            let key = (draft.room.clone(), draft.from.clone(), before.key());
            self.known.insert(key, Known { id: before.id, seq: last, at, hash: Some(before.hash) });
            self.change(change, draft, &before.what, place);
            place
        });
        self.known.insert(key, Known { id: draft.id, seq: place.seq, at, hash: Some(draft.hash) });
        self.change(change, draft, filled.as_ref().unwrap_or(&draft.what), place);
        self.take_event(draft, place);
        match (before, filled) {
            (Some(before), _) => Outcome::Both { before: before.into(), place: place.into() },
            (None, Some(what)) => Outcome::Filled { place: place.into(), what: what.into() },
            (None, None) => Outcome::Appended(place),
        }
    }

    fn change_state(&mut self, room: &RoomId, state: SessionState) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.session = Some(state);
        }
        self.changes.states.insert(room.clone(), state);
    }

    fn take_event(&mut self, draft: &Draft, place: Place) {
        if let Some(event) = draft.once.as_deref() {
            self.events.insert(event.clone(), Some((draft.room.clone(), place)));
            self.changes.taken.insert(event.clone(), (draft.room.clone(), place.seq));
        }
    }

    /// What changes nothing has taken its event, too: told again once something else has changed, it would undo that. No entry
    /// stands for it.
    fn take_event_in_vain(&mut self, draft: &Draft) {
        if let Some(event) = draft.once.as_deref() {
            self.events.insert(event.clone(), None);
            self.changes.taken.insert(event.clone(), (draft.room.clone(), Seq::ZERO));
        }
    }

    /// Makes what the rule has decided so, here and among the changes.
    fn change(&mut self, change: Change, draft: &Draft, what: &What, place: Place) {
        match change {
            Change::Nothing => {}
            Change::Stands(user, standing) => self.stands(&draft.room, user, standing, place.seq),
            Change::Named(name) => {
                self.changes.renamed.insert(draft.room.clone(), name);
            }
            Change::Session(state) => self.change_state(&draft.room, state),
            Change::Said => self.said(draft, what, place),
            Change::Edited => self.edited(&draft.room, what, place),
            Change::Deleted => self.deleted(&draft.room, what),
            Change::Reacted => self.reacted(draft, what, place),
            Change::Pinned => self.pinned(&draft.room, what, place),
            Change::Muted => self.muted(&draft.room, what),
            Change::Settings => self.set(&draft.room, what),
        }
    }

    /// How somebody stands.
    pub fn standing(&self, room: &RoomId, user: &UserId) -> Standing {
        self.people.get(&(room.clone(), user.clone())).copied().unwrap_or_default().standing
    }
}
