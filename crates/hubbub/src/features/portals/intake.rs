//! What a batch of messages from portals becomes, whatever the database.

use super::store::{Incoming, Received};
use crate::store::StoreError;
use hubbub_core::{
    log::{
        entry::{Draft, Entry, Outcome, Place},
        ledger::Ledger,
    },
    model::ids::{Key, RoomId},
};
use std::collections::{HashMap, HashSet};

/// A message that leaves quarantine, for `session` or the one it names. Its key is made of its number: released twice, it is
/// one message.
pub(crate) fn released(number: u64, message: &Incoming, session: Option<&RoomId>) -> Result<Incoming, StoreError> {
    let key = Key::parse(&format!("quarantine-{number}")).map_err(|error| StoreError::Broken(error.to_string()))?;
    let session = session.map(|id| id.as_str().to_owned()).or_else(|| message.session.clone());
    let draft = Draft { key, ..message.draft.clone() };
    Ok(Incoming { session, draft, quarantine: false, ..message.clone() })
}

/// Where a message of a batch goes.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    /// The portal's number inside the database; `None`: there is no such portal.
    pub portal: Option<i64>,
    /// The session, and its room's number.
    pub session: Option<(RoomId, i64)>,
    /// The portal's own id of the conversation, as far as it is known.
    pub external: Option<String>,
}

/// Has messages of a batch found by what those before them teach: the portal's own id of a conversation.
pub(crate) fn introduce(messages: &[Incoming], to: &mut [Addressee]) {
    let (mut taught, mut has_one) = (HashMap::new(), HashSet::new());
    for (message, to) in messages.iter().zip(to) {
        let Some((portal, external)) = to.portal.zip(message.external.as_deref()) else { continue };
        match to.session.clone() {
            // A session takes the first id it is told.
            Some(session) if to.external.is_none() && has_one.insert(session.1) => {
                taught.entry((portal, external)).or_insert(session);
            }
            Some(_) => {}
            None => {
                if let Some(session) = taught.get(&(portal, external)) {
                    to.session = Some(session.clone());
                    to.external = Some(external.to_owned());
                }
            }
        }
    }
}

/// A batch on its way: answers as far as they are known, and what is still to be decided.
pub(crate) struct Batch<'a> {
    messages: &'a [Incoming],
    to: &'a [Addressee],
    answers: Vec<Option<Received>>,
    /// Messages that repeat one of this batch, and which.
    repeats: Vec<(usize, usize)>,
}

impl<'a> Batch<'a> {
    pub fn new(messages: &'a [Incoming], to: &'a [Addressee]) -> Self {
        Self { messages, to, answers: vec![None; messages.len()], repeats: vec![] }
    }

    /// The event of a message, as the database names it.
    pub fn event(&self, n: usize) -> Option<(i64, &'a str)> {
        Some((self.to.get(n)?.portal?, self.messages.get(n)?.event.as_deref()?))
    }

    /// The number of the room of a message's session.
    pub fn room(&self, n: usize) -> Option<i64> {
        self.to.get(n)?.session.as_ref().map(|(_, number)| *number)
    }

    /// Answers a message.
    pub fn answer(&mut self, n: usize, answer: Received) {
        self.answers[n] = Some(answer);
    }

    /// Messages that have no answer yet, and whose session is known or not.
    pub fn open(&self, known: bool) -> Vec<usize> {
        let is_open = |n: &usize| self.answers[*n].is_none() && !self.repeats.iter().any(|(own, _)| own == n);
        (0..self.messages.len()).filter(is_open).filter(|n| self.to[*n].session.is_some() == known).collect()
    }

    /// Puts repeats within the batch aside: they share the answer of the first.
    pub fn set_repeats_aside(&mut self) {
        let mut first = HashMap::new();
        for n in 0..self.messages.len() {
            let Some(event) = self.event(n).filter(|_| self.answers[n].is_none()) else { continue };
            if let Some(before) = first.get(&event) {
                self.repeats.push((n, *before));
            } else if self.to[n].session.is_some() || self.messages[n].quarantine {
                // One that goes nowhere is not the first of anything.
                first.insert(event, n);
            }
        }
    }

    /// The drafts of these messages with their rooms put in: for each what opens the session, then the message.
    pub fn drafts(&self, of: &[usize]) -> Vec<Draft> {
        let mut drafts = Vec::with_capacity(2 * of.len());
        for n in of {
            let message = &self.messages[*n];
            if let Some((room, _)) = &self.to[*n].session {
                drafts.push(Draft { room: room.clone(), ..message.opening.clone() });
                drafts.push(Draft { room: room.clone(), ..message.draft.clone() });
            }
        }
        drafts
    }

    /// Answers messages that the log has already, by their keys: this very call was made before. Returns the others.
    pub fn answer_logged(&mut self, of: &[usize], ledger: &Ledger) -> Vec<usize> {
        let mut fresh = Vec::with_capacity(of.len());
        for n in of {
            let (draft, to) = (&self.messages[*n].draft, &self.to[*n]);
            let Some((room, _)) = &to.session else { continue };
            let known = ledger.known.get(&(room.clone(), draft.from.clone(), draft.key.clone()));
            let Some((known, state)) = known.zip(ledger.rooms.get(room)) else {
                fresh.push(*n);
                continue;
            };
            let place = Place { id: known.id, seq: known.seq, epoch: state.epoch, at: known.at };
            self.answers[*n] = Some(Received::Repeated { session: room.clone(), place });
        }
        fresh
    }

    /// Takes in what became of [`drafts`](Self::drafts). Returns the messages that were refused: their events must not stay.
    pub fn decided(&mut self, of: &[usize], drafts: &[Draft], outcomes: &[Outcome]) -> Vec<usize> {
        let mut refused = Vec::new();
        for (n, (drafts, outcomes)) in of.iter().zip(drafts.chunks(2).zip(outcomes.chunks(2))) {
            let entry = |draft: &Draft, outcome: &Outcome| match outcome {
                Outcome::Appended(place) => Some(draft.entry(*place)),
                _ => None,
            };
            let answer = match &outcomes[1] {
                Outcome::Appended(place) => {
                    let entries: Vec<Entry> =
                        drafts.iter().zip(outcomes).filter_map(|(draft, outcome)| entry(draft, outcome)).collect();
                    Received::Stored { epoch: place.epoch, entries }
                }
                // The same key twice in this batch.
                Outcome::Known(place) => Received::Repeated { session: drafts[1].room.clone(), place: *place },
                Outcome::Conflict { .. } | Outcome::Unchanged | Outcome::Refused(_) => {
                    refused.push(*n);
                    Received::LogFull
                }
            };
            self.answers[*n] = Some(answer);
        }
        refused
    }

    /// Where the message of an answer is.
    pub fn place(answer: &Received) -> Option<(RoomId, Place)> {
        match answer {
            Received::Stored { epoch, entries } => entries.last().map(|entry| {
                let place = Place { id: entry.id, seq: entry.seq, epoch: *epoch, at: entry.at };
                (entry.room.clone(), place)
            }),
            Received::Repeated { session, place } => Some((session.clone(), *place)),
            _ => None,
        }
    }

    /// The numbers that these messages got.
    pub fn numbered(&self, of: &[usize]) -> Vec<((i64, &'a str), i64)> {
        let seq = |n: &usize| Self::place(self.answers[*n].as_ref()?).map(|(_, place)| place.seq);
        of.iter().filter_map(|n| Some((self.event(*n)?, crate::store::columns::number(seq(n)?)))).collect()
    }

    /// The portals' own ids of conversations that are new: which session has which.
    pub fn learned(&self) -> Vec<(&'a RoomId, &'a str)> {
        let new = |(message, to): (&'a Incoming, &'a Addressee)| {
            let (session, _) = to.session.as_ref().filter(|_| to.external.is_none())?;
            Some((session, message.external.as_deref()?))
        };
        self.messages.iter().zip(self.to).filter_map(new).collect()
    }

    /// All answers, in order.
    pub fn answers(mut self) -> Vec<Received> {
        for (n, first) in std::mem::take(&mut self.repeats) {
            let answer = self.answers[first].clone();
            self.answers[n] = match answer.as_ref().and_then(Self::place) {
                Some((session, place)) => Some(Received::Repeated { session, place }),
                None => answer,
            };
        }
        self.answers.into_iter().map(|answer| answer.unwrap_or(Received::UnknownSession)).collect()
    }
}
