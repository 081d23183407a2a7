//! What drafts change, beside the log itself: in the ledger, for the drafts behind them, and as a list for the store to write.

use super::{Ledger, Reactions, Target};
use crate::{
    limits::BLANKED_AT_ONCE,
    log::{
        entry::{Draft, EventName, Place},
        kinds::{Muted, Pinned, Reacted, SessionState, What},
        room::RoomInfo,
        settings::Settings,
        situation::Person,
    },
    model::{
        access::{Membership, Role, Standing},
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// See the module. Each is to be written once, as it is here at the end.
#[derive(Debug, Default)]
pub struct Changes {
    /// Events that were taken, and the entries that took them; with the number 0: by what changed nothing, in this room.
    pub taken: BTreeMap<EventName, (RoomId, Seq)>,
    /// The newest message of rooms, among those that are shown there.
    pub newest: BTreeMap<RoomId, Seq>,
    /// Memberships.
    pub members: BTreeMap<(RoomId, UserId), Membership>,
    /// Names of rooms.
    pub renamed: BTreeMap<RoomId, String>,
    /// States of sessions.
    pub states: BTreeMap<RoomId, SessionState>,
    /// Settings of rooms.
    pub settings: BTreeMap<RoomId, Settings>,
    /// Topics and data of rooms.
    pub infos: BTreeMap<RoomId, RoomInfo>,
    /// What a room remembers of people beside their membership.
    pub speakers: BTreeMap<(RoomId, UserId), Speaker>,
    /// The newest edits of messages.
    pub edits: BTreeMap<(RoomId, Seq), NewestEdit>,
    /// For each `edited` entry the one before it of the same message.
    pub previous: BTreeMap<(RoomId, Seq), Seq>,
    /// Messages that are deleted.
    pub deleted: BTreeSet<(RoomId, Seq)>,
    /// Entries whose content is blanked: these messages and their edits.
    pub blanked: BTreeMap<RoomId, Vec<Seq>>,
    /// Threads, by their roots.
    pub threads: BTreeMap<(RoomId, Seq), ThreadChange>,
    /// Reactions: message, reaction, person, and the entry that added it; `None`: taken back.
    pub reactions: BTreeMap<(RoomId, Seq, Box<str>, UserId), Option<Seq>>,
    /// How often a message has a reaction; `None`: not any more.
    pub counts: BTreeMap<(RoomId, Seq, Box<str>), Option<ReactionCount>>,
    /// Pinned messages, and the entries that pinned them; `None`: not pinned any more.
    pub pins: BTreeMap<(RoomId, Seq), Option<Seq>>,
}

/// What a room remembers of somebody; see [`Person`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speaker {
    /// Until when they are muted.
    pub muted_until: Option<Timestamp>,
    /// When they last wrote.
    pub wrote_at: Option<Timestamp>,
    /// Whether they were a reader when they were last a member.
    pub was_reader: bool,
}

impl Speaker {
    const fn of(person: &Person) -> Self {
        let Person { muted_until, wrote_at, was_reader, .. } = *person;
        Self { muted_until, wrote_at, was_reader }
    }
}

/// How often a message has a reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReactionCount {
    /// How often; never 0.
    pub count: u64,
    /// The entry since which it has been there without a break: reactions are shown in this order.
    pub first: Seq,
}

/// The newest edit of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestEdit {
    /// The `edited` entry.
    pub seq: Seq,
    /// How many there are.
    pub edits: u32,
}

/// What becomes of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadChange {
    /// So many replies more, those that were deleted taken off.
    pub replies: i64,
    /// The newest new reply.
    pub last: Option<(Seq, Timestamp)>,
}

impl Ledger {
    pub(super) fn stands(&mut self, room: &RoomId, user: UserId, standing: Standing, seq: Seq) {
        let who = (room.clone(), user);
        let person = self.people.entry(who.clone()).or_default();
        let before = std::mem::replace(&mut person.standing, standing);
        if !before.is_member() {
            person.joined = seq;
        }
        let joined = person.joined;
        let was_reader = match (before, standing) {
            (_, Standing::Member(_)) => false,
            (Standing::Member(role), _) => role == Role::Reader,
            (Standing::Stranger | Standing::Banned, _) => person.was_reader,
        };
        if std::mem::replace(&mut person.was_reader, was_reader) != was_reader {
            self.changes.speakers.insert(who.clone(), Speaker::of(person));
        }
        self.changes.members.insert(who, Membership { standing, since: seq, joined });
        if let Some(facts) = self.facts.get_mut(room) {
            let admin = |standing| u64::from(standing == Standing::Member(Role::Admin));
            let (admins, members) = facts.admins;
            facts.admins = (
                (admins + admin(standing)).saturating_sub(admin(before)),
                (members + u64::from(standing.is_member())).saturating_sub(u64::from(before.is_member())),
            );
        }
    }

    pub(super) fn said(&mut self, draft: &Draft, what: &What, place: Place) {
        let What::Message(message) = what else { return };
        if message.is_shown() {
            match self.changes.newest.get_mut(&draft.room) {
                Some(newest) => *newest = place.seq,
                None => drop(self.changes.newest.insert(draft.room.clone(), place.seq)),
            }
        }
        if let Some(root) = message.thread {
            let thread = self.changes.threads.entry((draft.room.clone(), root)).or_default();
            thread.replies += 1;
            thread.last = Some((place.seq, place.at));
        }
        if self.rooms.get(&draft.room).is_some_and(|room| room.settings.slow_mode.is_some()) {
            let person = self.people.entry((draft.room.clone(), draft.from.clone())).or_default();
            person.wrote_at = Some(place.at);
            self.changes.speakers.insert((draft.room.clone(), draft.from.clone()), Speaker::of(person));
        }
        let asked = self.facts.get_mut(&draft.room).and_then(|facts| facts.targets.get_mut(&place.seq));
        if let Some(asked) = asked {
            // A draft behind this one is about it.
            *asked = Some(Target {
                from: draft.from.clone(),
                at: place.at,
                gone: false,
                thread: message.thread,
                in_room: message.in_room,
                edit: None,
                edits: 0,
                content: Some(message.content.clone()),
                edit_seqs: Some(Vec::new()),
            });
        }
    }

    pub(super) fn edited(&mut self, room: &RoomId, what: &What, place: Place) {
        let What::Edited(edited) = what else { return };
        let Some(target) = self.target_mut(room, edited.target) else { return };
        let previous = target.edit.replace(place.seq);
        target.edits += 1;
        target.content = Some(edited.content.clone());
        if let Some(edits) = &mut target.edit_seqs {
            edits.insert(0, place.seq);
        }
        let edits = target.edits;
        if let Some(previous) = previous {
            self.changes.previous.insert((room.clone(), place.seq), previous);
        }
        self.changes.edits.insert((room.clone(), edited.target), NewestEdit { seq: place.seq, edits });
    }

    pub(super) fn deleted(&mut self, room: &RoomId, what: &What) {
        let What::Deleted(deleted) = what else { return };
        let Some(target) = self.target_mut(room, deleted.target) else { return };
        target.gone = true;
        target.content = None;
        let (thread, edits) = (target.thread, target.edit_seqs.take().unwrap_or_default());
        let gone: BTreeSet<Seq> = std::iter::once(deleted.target).chain(edits).collect();
        for known in self.known.iter_mut().filter(|(key, known)| gone.contains(&known.seq) && key.0 == *room) {
            // Its hash would tell who guesses a short text that it was this one.
            known.1.hash = None;
        }
        self.changes.deleted.insert((room.clone(), deleted.target));
        self.blanked += gone.len();
        self.changes.blanked.entry(room.clone()).or_default().extend(gone);
        if let Some(root) = thread {
            self.changes.threads.entry((room.clone(), root)).or_default().replies -= 1;
        }
        let facts = self.facts.entry(room.clone()).or_default();
        if facts.pins.remove(&deleted.target).is_some() {
            self.changes.pins.insert((room.clone(), deleted.target), None);
        }
        if let Some(gone) = facts.reactions.remove(&deleted.target) {
            let counts = gone.counts.into_keys().map(|word| ((room.clone(), deleted.target, word), None));
            self.changes.counts.extend(counts);
        }
    }

    /// Whether one transaction blanks this beside what it has blanked already.
    pub(super) fn has_room_for(&self, room: &RoomId, what: &What) -> bool {
        let What::Deleted(deleted) = what else { return true };
        let target = self.facts.get(room).and_then(|facts| facts.targets.get(&deleted.target)?.as_ref());
        let Some(edits) = target.map(|target| target.edit_seqs.as_ref()) else { return true };
        edits.is_some_and(|edits| self.blanked == 0 || self.blanked + 1 + edits.len() <= BLANKED_AT_ONCE)
    }

    pub(super) fn reacted(&mut self, draft: &Draft, what: &What, place: Place) {
        let What::Reacted(Reacted { target, reaction, added }) = what else { return };
        let word: Box<str> = reaction.as_str().into();
        let facts = self.facts.entry(draft.room.clone()).or_default();
        let Reactions { counts, different, by } = facts.reactions.entry(*target).or_default();
        let who = (word.clone(), draft.from.clone());
        let count = counts.get(&word).copied();
        let now = if *added {
            by.insert(who);
            Some(count.map_or(ReactionCount { count: 1, first: place.seq }, |now| ReactionCount {
                count: now.count + 1,
                ..now
            }))
        } else {
            by.remove(&who);
            count.filter(|now| now.count > 1).map(|now| ReactionCount { count: now.count - 1, ..now })
        };
        match now {
            Some(now) => {
                *different += usize::from(counts.insert(word.clone(), now).is_none());
            }
            None => *different = different.saturating_sub(usize::from(counts.remove(&word).is_some())),
        }
        let room = draft.room.clone();
        self.changes.counts.insert((room.clone(), *target, word.clone()), now);
        self.changes.reactions.insert((room, *target, word, draft.from.clone()), added.then_some(place.seq));
    }

    pub(super) fn pinned(&mut self, room: &RoomId, what: &What, place: Place) {
        let What::Pinned(Pinned { target, pinned }) = what else { return };
        let facts = self.facts.entry(room.clone()).or_default();
        if *pinned {
            facts.pins.insert(*target, place.seq);
        } else {
            facts.pins.remove(target);
        }
        self.changes.pins.insert((room.clone(), *target), pinned.then_some(place.seq));
    }

    pub(super) fn muted(&mut self, room: &RoomId, what: &What) {
        let What::Muted(Muted { user, until }) = what else { return };
        let who = (room.clone(), user.clone());
        let person: &mut Person = self.people.entry(who.clone()).or_default();
        person.muted_until = *until;
        self.changes.speakers.insert(who, Speaker::of(person));
    }

    pub(super) fn set(&mut self, id: &RoomId, what: &What) {
        let What::Changed(changed) = what else { return };
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.settings = changed.applied(&room.settings);
        self.changes.settings.insert(id.clone(), room.settings.clone());
        if changed.is_of_info() {
            let info = &mut self.facts.entry(id.clone()).or_default().info;
            *info = changed.applied_to_info(info);
            self.changes.infos.insert(id.clone(), info.clone());
        }
    }

    fn target_mut(&mut self, room: &RoomId, seq: Seq) -> Option<&mut Target> {
        self.facts.get_mut(room)?.targets.get_mut(&seq)?.as_mut()
    }
}
