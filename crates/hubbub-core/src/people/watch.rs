//! Which of the users here are members of which rooms, and which rooms have something new to tell them.
//!
//! It hears what feeds hear, for rooms that nobody here need follow, and keeps of each the number it has come to and who is a
//! member. Where a number is missing, somebody may have come or gone with it: the room's members are read again before anybody
//! is told anything. Users and rooms are numbers here, so that a membership costs eight bytes.

use crate::{
    limits::{ACTIVITY_EVERY, AHEAD, REORDER},
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

mod log;
mod mentions;
mod numbers;
mod reading;

use log::{Ahead, Change, Log};
pub use log::{Asked, Telling};
use numbers::Numbers;

/// A user here.
pub type UserNo = u32;
type RoomNo = u32;

/// How far a log reaches.
pub type HeadOf = (Epoch, Seq);

/// What is heard of a room.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// How far its log reaches.
    pub head: HeadOf,
    /// What the entry there does; `None`: only the number was said.
    pub entry: Option<EntryNews<'a>>,
}

/// What an entry does to those who are told.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntryNews<'a> {
    /// Becomes a member.
    pub admitted: Option<&'a UserId>,
    /// Is one no more.
    pub removed: Option<&'a UserId>,
    /// Has written it: nobody is told of a mention in their own entry.
    pub author: Option<&'a UserId>,
    /// Are named in it.
    pub mentions: &'a [UserId],
    /// All of them are.
    pub mentions_all: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Watch {
    users: Numbers<UserId, Person>,
    rooms: Numbers<RoomId, Log>,
    /// When rooms are to be told of.
    due: BTreeSet<(Instant, RoomNo)>,
    /// When the members of rooms are to be read.
    doubtful: BTreeSet<(Instant, RoomNo)>,
    /// Users whose rooms are being read.
    loading: BTreeSet<UserNo>,
    /// How often somebody was asked to read members.
    asked: u64,
    /// How many logs were made.
    lives: u64,
}

#[derive(Debug, Default)]
struct Person {
    rooms: Vec<RoomNo>,
    /// Their rooms are being read: what happens to them meanwhile.
    loading: Option<Vec<Change>>,
}

impl Watch {
    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Whether something of this room is to be heard: it has members here.
    pub fn has(&self, room: &RoomId) -> bool {
        self.rooms.no(room).is_some()
    }

    /// How many users, rooms and memberships there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.users.len(), self.rooms.len(), self.rooms.values().map(|log| log.members.len()).sum())
    }

    /// The number of a user here.
    pub fn user(&self, user: &UserId) -> Option<UserNo> {
        self.users.no(user)
    }

    /// All of them.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    /// A user is here, whose rooms are to be read. Somebody who is here already keeps their number.
    pub fn enter(&mut self, user: &UserId) -> UserNo {
        self.users.insert(user, Person::default)
    }

    /// A user is here no more.
    pub fn leave(&mut self, user: &UserId) {
        let Some((no, person)) = self.users.remove(user) else { return };
        self.loading.remove(&no);
        for room in person.rooms {
            self.drop_member(room, no);
        }
    }

    /// The rooms of a user begin to be read.
    pub fn begin_load(&mut self, user: &UserId) {
        let Some(no) = self.users.no(user) else { return };
        if let Some(person) = self.users.at_mut(no) {
            person.loading = Some(Vec::new());
            self.loading.insert(no);
        }
    }

    /// The rooms of a user were read: all of which they are a member, each at its head of the time. Whether the user is still here.
    pub fn loaded(&mut self, user: &UserId, rooms: &[(RoomId, HeadOf)], now: Instant) -> bool {
        let Some(no) = self.users.no(user) else { return false };
        let person = self.users.at_mut(no);
        let Some(mut changes) = person.and_then(|person| person.loading.take()) else { return false };
        self.loading.remove(&no);
        let mut listed = BTreeMap::new();
        for (room, head) in rooms {
            let log = self.log(room, *head);
            listed.insert(log, *head);
            // What lies between the two was not gone over, and may have removed them.
            if self.rooms.at(log).is_some_and(|log| log.head.0 != head.0 || head.1 < log.since) {
                self.doubt(log, now);
            }
            self.add_member(log, no, head.1);
            if self.rooms.at(log).is_some_and(|log| log.doubt.is_some()) {
                self.note(log, Change { room: room.clone(), head: *head, user: user.clone(), is_member: true });
            }
        }
        // All at once: there may be thousands.
        let rooms = self.users.at_mut(no).map(|person| &mut person.rooms);
        let gone = rooms.map(|rooms| rooms.extract_if(.., |room| !listed.contains_key(room)).collect::<Vec<_>>());
        for room in gone.unwrap_or_default() {
            self.drop_member(room, no);
        }
        changes.sort_by_key(|change| change.head.1);
        for change in changes {
            // What the list knew already may have been heard late.
            let read_at = self.rooms.no(&change.room).and_then(|log| listed.get(&log));
            if read_at.is_none_or(|at| at.0 != change.head.0 || at.1 < change.head.1) {
                self.change(&change);
            }
        }
        true
    }

    /// Something was heard of a room.
    pub fn hear(&mut self, news: News<'_>, now: Instant) {
        let News { room, head, entry } = news;
        let EntryNews { admitted, removed, author, mentions, mentions_all } = entry.unwrap_or_default();
        let Some(no) = self.rooms.no(room) else {
            for (user, is_member) in [(removed, false), (admitted, true)] {
                let Some(user) = user else { continue };
                self.note_loading(&Change { room: room.clone(), head, user: user.clone(), is_member });
            }
            // The first member here.
            if let Some(user) = admitted.and_then(|user| self.users.no(user)) {
                let log = self.log(room, head);
                self.add_member(log, user, head.1);
            }
            return;
        };
        let Some(log) = self.rooms.at_mut(no) else { return };
        let (epoch, seq) = head;
        if epoch != log.head.0 {
            return self.doubt(no, now);
        }
        if seq <= log.head.1 {
            return self.hear_late(no, seq, &entry.unwrap_or_default(), now);
        }
        let ahead = Ahead {
            admitted: admitted.cloned(),
            removed: removed.cloned(),
            is_known: entry.is_some(),
            author: author.cloned(),
            mentions: mentions.to_vec(),
            mentions_all,
        };
        if seq == log.head.1.next() && ahead.is_known && log.doubt.is_none() {
            self.pass(no, seq, ahead);
            return self.tell_soon(no, now);
        }
        self.doubt_in(no, now + REORDER);
        let Some(doubt) = self.rooms.at_mut(no).and_then(|log| log.doubt.as_mut()) else { return };
        doubt.ahead.insert(seq, ahead);
        if doubt.ahead.len() > AHEAD {
            doubt.ahead.pop_first();
            self.doubt(no, now);
        }
        self.settle(no, now);
    }

    /// What lies before the head was gone over; or members were read instead, of all or of one of them.
    fn hear_late(&mut self, no: RoomNo, seq: Seq, entry: &EntryNews<'_>, now: Instant) {
        let Some(log) = self.rooms.at(no).filter(|log| seq <= log.since) else { return };
        let (epoch, was_passed_over) = (log.head.0, log.over < seq);
        if let Some(user) = entry.admitted
            && self.users.no(user).is_some_and(|user| log.members.binary_search(&user).is_err())
            && let Some(room) = self.rooms.key(no).cloned()
        {
            // They may have gone since. They are told nothing before that is known.
            let change = Change { room, head: (epoch, seq), user: user.clone(), is_member: true };
            self.note_loading(&change);
            self.note(no, change.clone());
            self.change(&change);
            self.doubt(no, now);
        }
        if was_passed_over && (entry.mentions_all || !entry.mentions.is_empty()) {
            self.name(no, seq, entry);
            self.tell_soon(no, now);
        }
    }

    /// When there is something to be told.
    pub fn next_telling(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// When there is something to be read.
    pub fn next_reading(&self) -> Option<Instant> {
        self.doubtful.first().map(|(at, _)| *at)
    }

    /// The next room that its members are to be told of.
    pub fn begin_telling(&mut self, now: Instant) -> Option<Telling> {
        while let Some((at, no)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, no));
            let Some(room) = self.rooms.key(no).cloned() else { continue };
            let Some(log) = self.rooms.at_mut(no) else { continue };
            log.due = None;
            if !log.is_certain() {
                // Told once it is known who they are.
                continue;
            }
            (log.told_at, log.came) = (Some(now), Some(BTreeSet::new()));
            let mentions = std::mem::take(&mut log.mentions);
            return Some(Telling { room, life: log.life, head: log.head.1, mentions, after: None });
        }
        None
    }

    /// The next of its members, at most `n`: those who were when this began, and are at this moment. None: all have been told, or it is
    /// to be found out anew who they are. Who was named and not told is told later.
    pub fn next_members(&mut self, telling: &mut Telling, n: usize) -> Vec<UserNo> {
        let log = self.rooms.get_mut(&telling.room).filter(|log| log.life == telling.life);
        let Some(log) = log else { return Vec::new() };
        let begin = telling.after.map_or(0, |after| log.members.partition_point(|member| *member <= after));
        if !log.is_certain() {
            let mentions = std::mem::take(&mut telling.mentions);
            if !mentions.is_empty() {
                let named = log.members[begin..].iter().filter_map(|user| Some((*user, mentions.of(*user)?)));
                named.for_each(|(user, seq)| log.mentions.name(user, seq));
            }
            log.came = None;
            return Vec::new();
        }
        let came = log.came.get_or_insert_default();
        let there = log.members[begin..].iter().filter(|member| !came.contains(*member));
        let some: Vec<UserNo> = there.take(n).copied().collect();
        telling.after = some.last().copied().or(telling.after);
        if some.is_empty() {
            log.came = None;
        }
        some
    }

    /// Moves over what was ahead and has become the next.
    fn settle(&mut self, no: RoomNo, now: Instant) {
        let mut has_passed = false;
        loop {
            let Some(log) = self.rooms.at_mut(no) else { return };
            let next = log.head.1.next();
            let Some(doubt) = log.doubt.as_mut() else { return };
            let Some(due) = doubt.due.filter(|_| !doubt.must_read) else {
                // Reading says how far.
                return;
            };
            if doubt.ahead.is_empty() {
                self.end_doubt(no);
                return self.tell_soon(no, now);
            }
            if doubt.ahead.get(&next).is_some_and(|ahead| ahead.is_known) {
                let ahead = doubt.ahead.remove(&next).unwrap_or_default();
                self.pass(no, next, ahead);
                has_passed = true;
                continue;
            }
            if has_passed {
                // Another gap: it may close as well.
                doubt.due = Some(now + REORDER);
                self.doubtful.remove(&(due, no));
                self.doubtful.insert((now + REORDER, no));
                self.tell_soon(no, now);
            }
            return;
        }
    }

    /// Goes over the next entry.
    fn pass(&mut self, no: RoomNo, seq: Seq, entry: Ahead) {
        let Some(room) = self.rooms.key(no).cloned() else { return };
        let Some(log) = self.rooms.at_mut(no) else { return };
        log.head.1 = seq;
        let head = log.head;
        self.name(no, seq, &entry.news());
        for (user, is_member) in [(entry.removed, false), (entry.admitted, true)] {
            if let Some(user) = user {
                let change = Change { room: room.clone(), head, user, is_member };
                self.note_loading(&change);
                self.note(no, change.clone());
                self.change(&change);
            }
        }
    }

    /// Keeps who is named in an entry: members, and not its author.
    fn name(&mut self, no: RoomNo, seq: Seq, entry: &EntryNews<'_>) {
        let author = entry.author.and_then(|user| self.users.no(user));
        let Some(log) = self.rooms.at_mut(no) else { return };
        for user in entry.mentions.iter().filter_map(|user| self.users.no(user)) {
            if Some(user) != author && log.members.binary_search(&user).is_ok() {
                log.mentions.name(user, seq);
            }
        }
        if entry.mentions_all {
            log.mentions.name_all(seq, author);
        }
    }

    /// Somebody has come or gone while their rooms are being read.
    fn note_loading(&mut self, change: &Change) {
        if let Some(changes) = self.users.get_mut(&change.user).and_then(|person| person.loading.as_mut()) {
            changes.push(change.clone());
        }
    }

    /// Somebody has come or gone while it is read who is there.
    fn note(&mut self, no: RoomNo, change: Change) {
        let doubt = self.rooms.at_mut(no).and_then(|log| log.doubt.as_mut());
        if let Some(doubt) = doubt.filter(|doubt| doubt.due.is_none()) {
            doubt.changes.push(change);
        }
    }

    fn change(&mut self, change: &Change) {
        let Some(user) = self.users.no(&change.user) else { return };
        if change.is_member {
            let log = self.log(&change.room, change.head);
            self.add_member(log, user, change.head.1);
        } else if let Some(log) = self.rooms.no(&change.room) {
            self.remove_member(log, user);
        }
    }

    /// The number of a room, which is watched from this head on if it was not.
    fn log(&mut self, room: &RoomId, head: HeadOf) -> RoomNo {
        let lives = &mut self.lives;
        self.rooms.insert(room, || {
            *lives += 1;
            Log::new(head, *lives)
        })
    }

    /// Somebody is a member, in this entry or before.
    fn add_member(&mut self, no: RoomNo, user: UserNo, joined: Seq) {
        let Some(log) = self.rooms.at_mut(no) else { return };
        if let Err(at) = log.members.binary_search(&user) {
            log.members.insert(at, user);
            if let Some(came) = &mut log.came {
                came.insert(user);
            }
            if log.due.is_some() || log.doubt.is_some() || joined > log.head.1 {
                log.mentions.join(user, joined);
            }
            if let Some(person) = self.users.at_mut(user) {
                person.rooms.push(no);
            }
        }
    }

    fn remove_member(&mut self, no: RoomNo, user: UserNo) {
        if let Some(person) = self.users.at_mut(user)
            && let Some(at) = person.rooms.iter().position(|room| *room == no)
        {
            person.rooms.swap_remove(at);
            self.drop_member(no, user);
        }
    }

    /// The same for somebody who does not know it any more.
    fn drop_member(&mut self, no: RoomNo, user: UserNo) {
        let Some(log) = self.rooms.at_mut(no) else { return };
        if let Ok(at) = log.members.binary_search(&user) {
            log.members.remove(at);
            log.mentions.leave(user);
        }
        self.forget_if_empty(no);
    }

    /// A room without members here is forgotten; but not while it is doubted: what is known of it already may admit somebody.
    fn forget_if_empty(&mut self, no: RoomNo) {
        if let Some(log) = self.rooms.at(no).filter(|log| log.members.is_empty() && log.doubt.is_none()) {
            log.due.map(|due| self.due.remove(&(due, no)));
            self.rooms.remove_at(no);
        }
    }

    fn tell_soon(&mut self, no: RoomNo, now: Instant) {
        let Some(log) = self.rooms.at_mut(no) else { return };
        if log.due.is_none() {
            let at = log.told_at.map_or(now, |told| now.max(told + ACTIVITY_EVERY));
            log.due = Some(at);
            self.due.insert((at, no));
        }
    }
}

#[cfg(test)]
mod tests;
