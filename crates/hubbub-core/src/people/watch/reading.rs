//! Reading who is a member of a room, where something of it is not known.

use super::{
    Asked, HeadOf, RoomNo, UserNo, Watch,
    log::{Ahead, Change, Doubt},
    mentions::Mentions,
};
use crate::{
    limits::REORDER,
    model::{ids::UserId, seq::Seq},
};
use std::{collections::BTreeMap, time::Instant};

impl Watch {
    /// The next room whose members are to be read.
    pub fn begin_read(&mut self, now: Instant) -> Option<Asked> {
        while let Some((at, no)) = self.doubtful.first().copied().filter(|(at, _)| *at <= now) {
            self.doubtful.remove(&(at, no));
            let Some(doubt) = self.rooms.at_mut(no).and_then(|log| log.doubt.as_mut()) else { continue };
            self.asked += 1;
            (doubt.due, doubt.asked) = (None, self.asked);
            doubt.changes.clear();
            let Some(room) = self.rooms.key(no).cloned() else { continue };
            return Some(Asked { room, no: self.asked });
        }
        None
    }

    /// Such a read failed.
    pub fn read_failed(&mut self, asked: &Asked, again: Instant) {
        if let Some(no) = self.is_awaited(asked) {
            self.doubt(no, again);
        }
    }

    /// The number of the room, if nobody was asked since: neither has it been forgotten, nor is it read anew.
    fn is_awaited(&self, asked: &Asked) -> Option<RoomNo> {
        let no = self.rooms.no(&asked.room)?;
        let doubt = self.rooms.at(no)?.doubt.as_ref()?;
        (doubt.asked == asked.no).then_some(no)
    }

    /// It brought the members, and the head that was there before they were read. `None`: there is no such room any more.
    pub fn read(&mut self, asked: &Asked, found: Option<(HeadOf, &[UserId])>, now: Instant) {
        let Some(no) = self.is_awaited(asked) else { return };
        let room = &asked.room;
        let Some(log) = self.rooms.at_mut(no) else { return };
        let before = log.members.clone();
        let Some((head, members)) = found else {
            before.into_iter().for_each(|member| self.remove_member(no, member));
            return self.end_doubt(no);
        };
        let Some(doubt) = log.doubt.as_mut() else { return };
        let changes = std::mem::take(&mut doubt.changes);
        // What was doubted meanwhile is read again.
        let is_settled = doubt.due.is_none();
        let is_same = log.head.0 == head.0;
        let mut passed_over = std::mem::take(&mut doubt.ahead);
        let came_after = if is_same {
            doubt.ahead = passed_over.split_off(&head.1.next());
            log.over = if log.since == log.head.1 { log.over } else { log.head.1 };
            log.head.1
        } else {
            // Numbers of another epoch count something else.
            passed_over.clear();
            (log.over, log.mentions) = (head.1, Mentions::default());
            head.1
        };
        (log.head, log.since) = (head, head.1);
        if is_settled {
            doubt.due = Some(now + REORDER);
            doubt.must_read = false;
            self.doubtful.insert((now + REORDER, no));
        }
        let mut members: Vec<UserNo> = members.iter().filter_map(|user| self.users.no(user)).collect();
        members.sort_unstable();
        members.dedup();
        let is_member = |user: &UserNo| members.binary_search(user).is_ok();
        // Whoever is being read about was read about before, perhaps.
        for user in &self.loading {
            let Some(name) = self.users.key(*user).cloned() else { continue };
            let Some(person) = self.users.at_mut(*user) else { continue };
            let change = Change { room: room.clone(), head, user: name, is_member: is_member(user) };
            person.loading.get_or_insert_default().push(change);
        }
        let admitted = |(seq, ahead): (&Seq, &Ahead)| Some((self.users.no(ahead.admitted.as_ref()?)?, *seq));
        let admitted: BTreeMap<UserNo, Seq> = passed_over.iter().filter_map(admitted).collect();
        // Few of them are new.
        for member in members.iter().filter(|member| before.binary_search(member).is_err()) {
            self.add_member(no, *member, admitted.get(member).copied().unwrap_or(came_after));
        }
        for gone in before.iter().filter(|member| !is_member(member)) {
            self.remove_member(no, *gone);
        }
        for (seq, ahead) in &passed_over {
            self.name(no, *seq, &ahead.news());
        }
        for change in changes.iter().filter(|change| change.head.0 == head.0 && change.head.1 > head.1) {
            self.change(change);
        }
        if is_settled {
            self.settle(no, now);
        }
    }

    /// What was doubted is known.
    pub(super) fn end_doubt(&mut self, no: RoomNo) {
        let doubt = self.rooms.at_mut(no).and_then(|log| log.doubt.take());
        if let Some(due) = doubt.and_then(|doubt| doubt.due) {
            self.doubtful.remove(&(due, no));
        }
        self.forget_if_empty(no);
    }

    /// The members are to be read at once.
    pub(super) fn doubt(&mut self, no: RoomNo, at: Instant) {
        self.doubt_in(no, at);
        let Some(doubt) = self.rooms.at_mut(no).and_then(|log| log.doubt.as_mut()) else { return };
        if let Some(due) = doubt.due {
            self.doubtful.remove(&(due, no));
        }
        (doubt.due, doubt.must_read) = (Some(at), true);
        self.doubtful.insert((at, no));
    }

    /// They are to be read then, unless that is so already, or they are being read.
    pub(super) fn doubt_in(&mut self, no: RoomNo, at: Instant) {
        let Some(log) = self.rooms.at_mut(no) else { return };
        if log.doubt.is_none() {
            log.doubt = Some(Box::new(Doubt { due: Some(at), ..Doubt::default() }));
            self.doubtful.insert((at, no));
        }
    }
}
