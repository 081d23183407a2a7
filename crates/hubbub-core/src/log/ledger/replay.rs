//! What has happened elsewhere, or before: entries that are taken as they were, and change what they changed then.

use super::{Ledger, Locked};
use crate::{
    log::{
        entry::{Draft, Outcome, Place},
        kinds::{Change, What},
        ledger::Known,
        situation::Situation,
    },
    model::{
        access::{Refusal, Standing},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};

/// Where and when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// The number of its entry in the room.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
}

impl Ledger {
    /// Takes an entry that happened there and then. Nobody's right is asked: it did happen. What it is about must be there.
    /// [`Outcome::Unchanged`]: it is not the next entry of its room.
    pub fn replay(&mut self, draft: &Draft, happened: Happened) -> Outcome {
        let Happened { seq, at } = happened;
        let key = (draft.room.clone(), draft.from.clone(), draft.key.clone());
        let epoch = self.rooms.get(&draft.room).map_or(Epoch { incarnation: 0, generation: 0 }, |room| room.epoch);
        if let Some(first) = self.known.get(&key) {
            return match first.hash.is_some_and(|hash| hash != draft.hash) {
                true => Outcome::Conflict { id: first.id, seq: first.seq },
                false => Outcome::Known(Place { id: first.id, seq: first.seq, epoch, at: first.at }),
            };
        }
        let Some(room) = self.rooms.get(&draft.room) else { return Outcome::Refused(Refusal::UnknownRoom) };
        let head = room.head;
        if head != Seq::MAX && head.next() != seq {
            return Outcome::Unchanged;
        }
        if head == Seq::MAX {
            return Outcome::Refused(Refusal::LogFull);
        }
        let locked = Locked { ledger: self, id: &draft.room, facts: self.facts.get(&draft.room) };
        let situation = Situation { right: draft.right, from: &draft.from, at, room, facts: &locked, successor: None };
        let change = match changed_then(&draft.what, &situation) {
            Ok(change) => change,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let filled = if change == Change::Deleted { draft.what.fill(&situation) } else { None };
        if change == Change::Deleted && !self.has_room_for(&draft.room, &draft.what) {
            return Outcome::PutOff;
        }
        let place = Place { id: draft.id, seq: head.next(), epoch, at };
        if let Some(room) = self.rooms.get_mut(&draft.room) {
            room.head = place.seq;
        }
        self.known.insert(key, Known { id: draft.id, seq: place.seq, at, hash: Some(draft.hash) });
        self.change(change, draft, filled.as_ref().unwrap_or(&draft.what), place);
        match filled {
            Some(what) => Outcome::Filled { place: place.into(), what: what.into() },
            None => Outcome::Appended(place),
        }
    }
}

/// What an entry changed in its room.
fn changed_then(what: &What, situation: &Situation<'_>) -> Result<Change, Refusal> {
    let message = |seq| situation.any_message("target", seq);
    let if_new = |is_new: bool, change| if is_new { change } else { Change::Nothing };
    Ok(match what {
        What::Message(said) => {
            if let Some(answered) = said.reply_to {
                situation.any_message("reply_to", answered)?;
            }
            if let Some(root) = said.thread
                && let Some(root) = situation.any_message("thread", root)?.thread
            {
                return Err(Refusal::InThread(root));
            }
            Change::Said
        }
        What::Joined(joined) => Change::Stands(joined.user.clone(), Standing::Member(joined.role)),
        What::Left(left) => Change::Stands(left.user.clone(), Standing::Stranger),
        What::Banned(banned) => Change::Stands(banned.user.clone(), Standing::Banned),
        What::Renamed(renamed) => Change::Named(renamed.name.clone()),
        What::State(state) => if_new(situation.room.session.is_some(), Change::Session(*state)),
        What::Edited(edited) => if_new(!message(edited.target)?.gone, Change::Edited),
        What::Deleted(deleted) => if_new(!message(deleted.target)?.gone, Change::Deleted),
        What::Reacted(reacted) => {
            let (target, word) = (message(reacted.target)?, reacted.reaction.as_str());
            let was_there = situation.facts.has_reacted(reacted.target, word, situation.from);
            if_new(!target.gone && was_there != reacted.added, Change::Reacted)
        }
        What::Pinned(pinned) => {
            let is_new = situation.facts.is_pinned(pinned.target) != pinned.pinned;
            if_new(!message(pinned.target)?.gone && is_new, Change::Pinned)
        }
        What::Muted(_) => Change::Muted,
        What::Changed(_) => Change::Settings,
        What::Other(_) | What::Gone(_) => Change::Nothing,
    })
}
