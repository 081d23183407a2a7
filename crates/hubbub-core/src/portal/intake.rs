//! What a message from a portal becomes: for which session it is, which event it is, and what of it goes into the log.
//!
//! A store reads who the messages are for and which events it knows, and an [`Intake`] says what is to become of each. What
//! goes into a log goes there like everything else, as a [`Proposal`]; that the event is taken once is decided there.

use super::PortalId;
use crate::{
    log::{
        entry::{EventName, Outcome, Place, Proposal, Right},
        kinds::{Message, What},
    },
    model::ids::{Key, RoomId, UserId},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

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
    /// Makes keeping it in quarantine happen once.
    pub id: Uuid,
    /// Makes its entry happen once.
    pub key: Key,
    /// The agent.
    pub from: UserId,
    /// What the agent says.
    pub message: Message,
    /// Keep it for an operator where the session is not known.
    pub quarantine: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is in the log of this session.
    Stored {
        /// The session.
        session: RoomId,
        /// What opened the session again, right before the message.
        opening: Option<Place>,
        /// The message.
        place: Place,
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
    /// Its session is known, and that of another message of the same webhook is not: none of them is stored.
    Withheld,
    /// The log is full.
    LogFull,
}

impl Received {
    /// What became of a message whose [proposal](Incoming::proposal) for this session had this outcome.
    pub fn of(session: RoomId, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Appended(place) => Self::Stored { session, opening: None, place },
            Outcome::Reopened { opening, place } => Self::Stored { session, opening: Some(*opening), place: *place },
            // This very message was stored before, or its event by another.
            Outcome::Known(place) => Self::Repeated { session, place },
            Outcome::Repeated { room, place } => Self::Repeated { session: room, place: *place },
            // Its event was taken by an entry that is not there any more.
            Outcome::Unchanged => Self::UnknownSession,
            Outcome::Conflict { .. } | Outcome::Refused(_) => Self::LogFull,
        }
    }

    /// The session and the place of the message in its log, where it has one.
    pub fn place(&self) -> Option<(&RoomId, Place)> {
        match self {
            Self::Stored { session, place, .. } | Self::Repeated { session, place } => Some((session, *place)),
            Self::Quarantined(_) | Self::UnknownSession | Self::Withheld | Self::LogFull => None,
        }
    }
}

impl Incoming {
    /// The same message when it leaves quarantine, where it has this number: for `session`, or for the one that it names. Its
    /// key and, where it has none, its event are made of the number, so that releasing it twice makes one message: also for two
    /// sessions at once. No portal's event has such a name: see [`super::mapping::Event::repeat_key`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "a word with a number is a key by its alphabet and length")]
    pub fn released(&self, number: u64, session: Option<&RoomId>) -> Self {
        let key = Key::parse(&format!("quarantine-{number}")).expect("a word with a number is a key");
        let session = session.map(|id| id.as_str().to_owned()).or_else(|| self.session.clone());
        let event = self.event.clone().or_else(|| Some(format!("q:{number}")));
        Self { session, key, event, quarantine: false, ..self.clone() }
    }

    /// What is to go into the log of its session. `portal`: the portal's number inside the database.
    pub fn proposal(&self, portal: i64, session: RoomId) -> Proposal {
        Proposal {
            room: session,
            from: self.from.clone(),
            key: Some(self.key.clone()),
            what: What::Message(self.message.clone()),
            right: Right::Portal,
            once: self.event.as_deref().map(|name| EventName { scope: portal, name: name.into() }.into()),
            opens: true,
        }
    }
}

/// What tells repeats of a message that no id tells: its place among those of a webhook, and the bytes of that, in one span of
/// time. No portal's own event has such a name: see [`super::mapping::Event::repeat_key`].
pub fn of_body(body: &[u8], place: usize, span: i64) -> String {
    format!("b:{}:{place}:{span}", super::verify::digest(body))
}

/// Where a message goes, as the database knows it.
#[derive(Debug, Clone)]
pub struct Addressee {
    /// The portal's number inside the database; `None`: there is no such portal.
    pub portal: Option<i64>,
    /// The session.
    pub session: Option<RoomId>,
    /// The portal's own id of the conversation, as far as it is known.
    pub external: Option<String>,
}

/// What is to become of a message, as far as that can be told without the lock of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is to become of it.
    pub to: Destination,
    /// The session, and the portal's own id of the conversation, where this message tells it for the first time. To be kept
    /// once the message is in the log.
    pub learned: Option<(RoomId, String)>,
}

/// See [`Resolved`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// It goes into a log.
    Log {
        /// The portal's number inside the database.
        portal: i64,
        /// The session.
        session: RoomId,
    },
    /// It goes nowhere, and this is to be said.
    Nowhere(Received),
}

/// Messages on their way to their sessions. They are named by their place among them, from 0.
pub struct Intake<'a> {
    messages: &'a [Arc<Incoming>],
    to: Vec<Addressee>,
    /// Whether it is kept for an operator where the session is not known.
    kept: Vec<bool>,
    learned: Vec<Option<(RoomId, String)>>,
    known: Vec<Option<Received>>,
}

impl<'a> Intake<'a> {
    /// These messages, and for each of them whom it is for.
    pub fn new(messages: &'a [Arc<Incoming>], mut to: Vec<Addressee>) -> Self {
        introduce(messages, &mut to);
        let learned = |(message, to): (&Arc<Incoming>, &Addressee)| {
            let session = to.session.as_ref().filter(|_| to.external.is_none())?;
            Some((session.clone(), message.external.clone()?))
        };
        let learned = messages.iter().zip(&to).map(learned).collect();
        let kept = messages.iter().map(|message| message.quarantine).collect();
        Self { messages, to, kept, learned, known: vec![None; messages.len()] }
    }

    /// Messages with events, by which the store may know them: their places, their portals' numbers and the events.
    pub fn events(&self) -> impl Iterator<Item = (usize, i64, &'a str)> {
        let unknown = (0..self.messages.len()).filter(|n| self.known[*n].is_none());
        unknown.filter_map(|n| Some((n, self.to[n].portal?, self.messages[n].event.as_deref()?)))
    }

    /// The store knows what became of a message.
    pub fn know(&mut self, n: usize, received: Received) {
        self.known[n] = Some(received);
    }

    /// Has messages that repeat an event of one before them go where that one goes: there the event is recognised. To be called
    /// when all is known that the store knows. A message that is kept nowhere takes no event.
    pub fn join_repeats(&mut self) {
        let mut first: HashMap<(i64, &str), usize> = HashMap::new();
        for n in 0..self.messages.len() {
            let event = self.to[n].portal.zip(self.messages[n].event.as_deref());
            let Some(event) = event.filter(|_| self.known[n].is_none()) else { continue };
            if let Some(before) = first.get(&event) {
                self.to[n].session = self.to[*before].session.clone();
                self.kept[n] = self.kept[*before];
            } else if self.to[n].session.is_some() || self.kept[n] {
                first.insert(event, n);
            }
        }
    }

    /// Messages that are to be kept in quarantine, and their portals' numbers. Those of one event share one place there.
    pub fn homeless(&self) -> Vec<(usize, i64)> {
        let is_homeless = |n: &usize| self.known[*n].is_none() && self.to[*n].session.is_none() && self.kept[*n];
        (0..self.messages.len()).filter(is_homeless).filter_map(|n| Some((n, self.to[n].portal?))).collect()
    }

    /// What is to become of each.
    pub fn resolved(self) -> Vec<Resolved> {
        let each = self.to.into_iter().zip(self.known).zip(self.learned);
        each.map(|((to, known), learned)| {
            let to = match (known, to.portal, to.session) {
                (Some(known), _, _) => Destination::Nowhere(known),
                (None, Some(portal), Some(session)) => Destination::Log { portal, session },
                (None, _, _) => Destination::Nowhere(Received::UnknownSession),
            };
            Resolved { to, learned }
        })
        .collect()
    }
}

/// A message may tell the portal's own id of a conversation for the first time. Messages behind it that name only that id are
/// then for the same session.
fn introduce(messages: &[Arc<Incoming>], to: &mut [Addressee]) {
    let (mut taught, mut has_one) = (HashMap::new(), HashSet::new());
    for (message, to) in messages.iter().zip(to) {
        let Some((portal, external)) = to.portal.zip(message.external.as_deref()) else { continue };
        match to.session.clone() {
            // A session takes the first id it is told.
            Some(session) if to.external.is_none() && has_one.insert(session.clone()) => {
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

#[cfg(test)]
mod tests;
