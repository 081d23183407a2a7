//! What a batch of messages from portals becomes: for which session each is, which repeat others, and what is stored.
//!
//! A store reads who the messages are for and which events it knows, has a [`Batch`] decide, and writes what that says.

use super::PortalId;
use crate::{
    log::{
        entry::{Draft, Entry, Outcome, Place},
        ledger::Ledger,
    },
    model::{
        ids::{Key, RoomId},
        seq::{Epoch, Seq},
    },
};
use std::collections::{HashMap, HashSet};

/// A message from a portal.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The portal.
    pub portal: PortalId,
    /// The session it names, as the portal spelled it.
    pub session: Option<String>,
    /// The portal's own id of the conversation: used where `session` is not given or not known, and remembered for the session
    /// found.
    pub external: Option<String>,
    /// What tells repeats of it, at most [`crate::limits::EXTERNAL_BYTES`] twice; `None`: nothing does.
    pub event: Option<String>,
    /// The message. Its room is put in once the session is known; its right is [`crate::log::entry::Right::Portal`].
    /// The key makes repeating this very call harmless.
    pub draft: Draft,
    /// The id and key of the entry that opens the session again, should it be closed or waiting.
    pub opening: Draft,
    /// Keep it for an operator where the session is not known.
    pub quarantine: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is in the log of this session, with what opened that again before it; the last is the message.
    Stored {
        /// What the numbers belong to.
        epoch: Epoch,
        /// What was appended.
        entries: Vec<Entry>,
    },
    /// An event of this name was taken before; this is the first message.
    Repeated {
        /// The session.
        session: RoomId,
        /// The message.
        place: Place,
    },
    /// It is kept for an operator; the same again for a repeat.
    Quarantined(u64),
    /// No such session of this portal.
    UnknownSession,
    /// The log is full.
    LogFull,
}

impl Received {
    /// The session and the place of the message in its log, where it has one.
    pub fn place(&self) -> Option<(&RoomId, Place)> {
        match self {
            // The last is the message.
            Self::Stored { epoch, entries } => entries.last().map(|entry| {
                let place = Place { id: entry.id, seq: entry.seq, epoch: *epoch, at: entry.at };
                (&entry.room, place)
            }),
            Self::Repeated { session, place } => Some((session, *place)),
            Self::Quarantined(_) | Self::UnknownSession | Self::LogFull => None,
        }
    }
}

impl Incoming {
    /// The same message when it leaves quarantine, where it has this number: for `session`, or for the one that it names. Its
    /// key is made of the number, so that releasing it twice makes one message.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a word with a number is a key by its alphabet and length")]
    pub fn released(&self, number: u64, session: Option<&RoomId>) -> Self {
        let key = Key::parse(&format!("quarantine-{number}")).expect("a word with a number is a key");
        let session = session.map(|id| id.as_str().to_owned()).or_else(|| self.session.clone());
        let draft = Draft { key, ..self.draft.clone() };
        Self { session, draft, quarantine: false, ..self.clone() }
    }
}

/// Where a message of a batch goes.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// The portal's number inside the database; `None`: there is no such portal.
    pub portal: Option<i64>,
    /// The session, and its room's number.
    pub session: Option<(RoomId, i64)>,
    /// The portal's own id of the conversation, as far as it is known.
    pub external: Option<String>,
}

/// A message may tell the portal's own id of a conversation for the first time. Messages behind it in the batch that name only
/// that id are then for the same session.
pub fn introduce(messages: &[Incoming], to: &mut [Addressee]) {
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

/// A batch on its way: answers as far as they are known, and what is still to be decided. Messages are named by their place in
/// the batch, from 0.
pub struct Batch<'a> {
    messages: &'a [Incoming],
    to: &'a [Addressee],
    answers: Vec<Option<Received>>,
    /// Messages that repeat one of this batch, and which.
    repeats: Vec<(usize, usize)>,
}

impl<'a> Batch<'a> {
    /// A batch of these messages; for each of them whom it is for.
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

    /// Messages that have no answer yet: those whose session is known, or those whose session is not.
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
                // A message that is stored nowhere takes no event.
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

    /// Takes in what became of [`drafts`](Self::drafts), and answers these messages. Returns those that were refused: their events
    /// must not stay in the database.
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

    /// The numbers that these messages got.
    pub fn numbered(&self, of: &[usize]) -> Vec<((i64, &'a str), Seq)> {
        let seq = |n: &usize| self.answers[*n].as_ref()?.place().map(|(_, place)| place.seq);
        of.iter().filter_map(|n| Some((self.event(*n)?, seq(n)?))).collect()
    }

    /// The portals' own ids of conversations that these messages tell for the first time, and their sessions.
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
            self.answers[n] = match answer.as_ref().and_then(Received::place) {
                Some((session, place)) => Some(Received::Repeated { session: session.clone(), place }),
                None => answer,
            };
        }
        self.answers.into_iter().map(|answer| answer.unwrap_or(Received::UnknownSession)).collect()
    }
}

#[cfg(test)]
mod tests;
