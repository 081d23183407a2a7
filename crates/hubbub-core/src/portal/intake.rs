//! What a message from a portal becomes: for which session it is, which event it is, and what of it goes into the log.
//!
//! A store reads who the messages are for and which events it knows, and an [`Intake`] says what is to become of each. What
//! goes into a log goes there like everything else, as a [`Proposal`]; that the event is taken once is decided there.

use super::{
    PortalId,
    externals::{Found, Holder, Learned, Teacher, find},
    settings::ExternalConflict,
};
use crate::{
    limits,
    log::{
        entry::{EventName, Outcome, Place, Proposal, Right},
        kinds::{Message, What},
    },
    model::{
        access::Refusal,
        ids::{Key, RoomId, UserId},
        time::Timestamp,
    },
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
    /// Keep it where the session is not known.
    pub quarantine: bool,
    /// What the portal's settings say of its ids of conversations.
    pub externals: ExternalRules,
}

/// What a portal's settings say of its ids of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExternalRules {
    /// Whose message it is where several sessions have the id.
    pub conflict: ExternalConflict,
    /// The portal's answers tell its ids: one that is not known may be in an answer on its way.
    pub awaited: bool,
    /// The portal's answers do not: what its webhooks say newly goes out from now on.
    pub webhooks_lead: bool,
    /// It is only asked what is known of it: it is kept nowhere.
    pub only_asked: bool,
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
    /// It is kept until its session is known, or for an operator; the same again for a repeat.
    Quarantined(u64),
    /// As much is kept as may be.
    QuarantineFull,
    /// No such session of this portal.
    UnknownSession,
    /// Its session is known, and that of another message of the same webhook is not: none of them is stored.
    Withheld,
    /// Several sessions have the id, and the portal's settings refuse to choose; these are they.
    Shared(Vec<RoomId>),
    /// Its session is archived.
    Archived,
    /// The log is full.
    LogFull,
}

impl Received {
    /// What became of a message whose [proposal](Incoming::proposal) for this session had this outcome.
    pub fn of(session: RoomId, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Appended(place) => Self::Stored { session, opening: None, place },
            Outcome::Filled { place, .. } => Self::Stored { session, opening: None, place: *place },
            Outcome::Both { before, place } => Self::Stored { session, opening: Some(*before), place: *place },
            // This very message was stored before, or its event by another.
            Outcome::Known(place) => Self::Repeated { session, place },
            Outcome::Repeated { room, place } => Self::Repeated { session: room, place: *place },
            // Its event was taken by an entry that is not there any more, or the session was deleted meanwhile.
            Outcome::Unchanged | Outcome::Refused(Refusal::RoomDeleted) => Self::UnknownSession,
            Outcome::Refused(Refusal::Archived) => Self::Archived,
            // What is not taken yet is an error before it comes here, and there are no deletions that others wait behind.
            Outcome::Conflict { .. } | Outcome::Refused(_) | Outcome::NotYet(_) | Outcome::PutOff => Self::LogFull,
        }
    }

    /// The session and the place of the message in its log, where it has one.
    pub fn place(&self) -> Option<(&RoomId, Place)> {
        match self {
            Self::Stored { session, place, .. } | Self::Repeated { session, place } => Some((session, *place)),
            Self::Quarantined(_)
            | Self::QuarantineFull
            | Self::UnknownSession
            | Self::Shared(_)
            | Self::Withheld
            | Self::Archived
            | Self::LogFull => None,
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
            before: None,
        }
    }
}

/// Spans of time, in which repeats of a webhook are told by its bytes. What came in the span before is still looked for, and is a
/// repeat for as long as a span; then its names go on, so that what is not stored of it yet is stored under the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    /// The one that is now.
    pub now: i64,
    /// The one before.
    pub before: i64,
    /// What came after this is a repeat.
    pub since: Timestamp,
}

impl Spans {
    /// The spans at this time.
    pub fn at(now: Timestamp) -> Self {
        let long = limits::BODY_REPEATS.as_secs().cast_signed() * 1_000;
        let span = now.0.div_euclid(long);
        Self { now: span, before: span - 1, since: Timestamp(now.0.saturating_sub(long)) }
    }
}

/// What tells repeats of a message that no id tells: its place among those of a webhook, and the bytes of that, in one [span of
/// time](Spans). No portal's own event has such a name: see [`super::mapping::Event::repeat_key`].
pub fn of_body(body: &[u8], place: usize, span: i64) -> String {
    format!("b:{}:{place}:{span}", super::verify::digest(body))
}

/// Where a message goes, as the database knows it.
#[derive(Debug, Clone, Default)]
pub struct Addressee {
    /// The portal's number inside the database; `None`: there is no such portal.
    pub portal: Option<i64>,
    /// The session of the id that the message names.
    pub session: Option<RoomId>,
    /// That session has an id of the portal's.
    pub has_external: bool,
    /// Sessions that have or had the portal's own id that it names.
    pub holders: Vec<Holder>,
    /// Events that name the same, or are for one of these sessions, are about to leave quarantine: it is to come behind them.
    pub behind: bool,
    /// Something is on its way to the portal, whose answer may tell the id.
    pub under_way: bool,
}

/// What is to become of a message, as far as that can be told without the lock of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is to become of it.
    pub to: Destination,
    /// The portal's own id of the conversation, where this message tells it for the first time. To be kept once the message is in
    /// the log.
    pub learned: Option<Learned>,
    /// Sessions that share the portal's own id that it names; empty: there are not several.
    pub shared: Vec<RoomId>,
    /// Its session is not known, and may become so: what is only asked about would be kept.
    pub awaited: bool,
    /// The portal's number inside the database; `None`: there is no such portal.
    pub portal: Option<i64>,
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

/// A message that is to be kept in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homeless {
    /// Its place among the messages.
    pub n: usize,
    /// Its portal's number inside the database.
    pub portal: i64,
    /// Its session, where that is known: it waits behind others.
    pub session: Option<RoomId>,
    /// It leaves by itself once its session is known.
    pub awaits: bool,
    /// Nobody asked for it to be kept: it is thrown away after [`crate::limits::AWAITED_FOR`].
    pub expires: bool,
    /// What it tells, to be kept along with it: those before it then go to its session, too.
    pub learned: Option<Learned>,
}

/// Messages on their way to their sessions. They are named by their place among them, from 0.
pub struct Intake<'a> {
    messages: &'a [Arc<Incoming>],
    of: Vec<Way>,
    known: Vec<Option<Received>>,
}

/// The way of one message.
#[derive(Debug, Clone, Default)]
struct Way {
    portal: Option<i64>,
    session: Option<RoomId>,
    /// It is kept in quarantine where the session is not known.
    kept: Option<Keeping>,
    /// It is kept although the session is known.
    behind: bool,
    learned: Option<Learned>,
    shared: Vec<RoomId>,
}

/// How a message is kept.
#[derive(Debug, Clone, Copy)]
struct Keeping {
    awaits: bool,
    expires: bool,
}

impl<'a> Intake<'a> {
    /// These messages, and for each of them whom it is for.
    pub fn new(messages: &'a [Arc<Incoming>], to: Vec<Addressee>) -> Self {
        let mut of: Vec<Way> = messages.iter().zip(&to).map(|(message, to)| Way::of(message, to)).collect();
        introduce(messages, &mut of);
        // What comes behind something that waits waits, too.
        let mut waiting: HashSet<RoomId> = HashSet::new();
        for (way, to) in of.iter_mut().zip(&to) {
            let Some(session) = &way.session else { continue };
            way.behind = to.behind || waiting.contains(session);
            if way.behind {
                waiting.insert(session.clone());
            }
        }
        Self { messages, of, known: vec![None; messages.len()] }
    }

    /// Messages with events, by which the store may know them: their places, their portals' numbers and the events.
    pub fn events(&self) -> impl Iterator<Item = (usize, i64, &'a str)> {
        let unknown = (0..self.messages.len()).filter(|n| self.known[*n].is_none());
        unknown.filter_map(|n| Some((n, self.of[n].portal?, self.messages[n].event.as_deref()?)))
    }

    /// The store knows what became of a message.
    pub fn know(&mut self, n: usize, received: Received) {
        self.known[n] = Some(received);
    }

    /// Nothing waits behind anything: these are messages that leave quarantine.
    pub fn overtake(&mut self) {
        self.of.iter_mut().for_each(|way| way.behind = false);
    }

    /// Has messages that repeat an event of one before them go where that one goes: there the event is recognised. To be called
    /// when all is known that the store knows. A message that is kept nowhere takes no event.
    pub fn join_repeats(&mut self) {
        let mut first: HashMap<(i64, &str), usize> = HashMap::new();
        for n in 0..self.messages.len() {
            let event = self.of[n].portal.zip(self.messages[n].event.as_deref());
            let Some(event) = event.filter(|_| self.known[n].is_none()) else { continue };
            if let Some(before) = first.get(&event) {
                let before = self.of[*before].clone();
                self.of[n] = Way { learned: None, ..before };
            } else if self.of[n].session.is_some() || self.of[n].kept.is_some() {
                first.insert(event, n);
            }
        }
    }

    /// Messages that are to be kept in quarantine. Those of one event share one place there.
    pub fn homeless(&self) -> Vec<Homeless> {
        let keeping = |n: usize| {
            let way = &self.of[n];
            let keeping = match &way.session {
                _ if self.known[n].is_some() || self.messages[n].externals.only_asked => None,
                Some(_) => way.behind.then_some(Keeping { awaits: true, expires: false }),
                None => way.kept,
            }?;
            Some(Homeless {
                n,
                portal: way.portal?,
                session: way.session.clone(),
                awaits: keeping.awaits,
                expires: keeping.expires,
                learned: way.learned.clone(),
            })
        };
        (0..self.messages.len()).filter_map(keeping).collect()
    }

    /// There is no room for one of the [`homeless`](Self::homeless).
    pub fn turn_away(&mut self, homeless: &Homeless) {
        let full = if homeless.expires { Received::UnknownSession } else { Received::QuarantineFull };
        self.know(homeless.n, full);
    }

    /// What is to become of each.
    pub fn resolved(self) -> Vec<Resolved> {
        let resolved = |(way, known): (Way, Option<Received>)| {
            let awaited = way.session.is_none() && way.kept.is_some();
            let to = match (known, way.portal, way.session) {
                (Some(known), _, _) => Destination::Nowhere(known),
                (None, Some(portal), Some(session)) => Destination::Log { portal, session },
                (None, Some(_), None) if !way.shared.is_empty() => {
                    Destination::Nowhere(Received::Shared(way.shared.clone()))
                }
                (None, _, _) => Destination::Nowhere(Received::UnknownSession),
            };
            // What is only told again teaches nothing.
            let learned = way.learned.filter(|_| matches!(to, Destination::Log { .. }));
            Resolved { to, learned, shared: way.shared, awaited, portal: way.portal }
        };
        self.of.into_iter().zip(self.known).map(resolved).collect()
    }
}

impl Way {
    /// The way of a message by itself.
    fn of(message: &Incoming, to: &Addressee) -> Self {
        let way = Self { portal: to.portal, ..Self::default() };
        let rules = message.externals;
        if let Some(session) = &to.session {
            let news = message.external.as_ref().filter(|_| to.holders.iter().all(|one| one.session != *session));
            let learned = |external: &String| Learned {
                session: session.clone(),
                external: external.clone(),
                by: Teacher::Webhook { leads: rules.webhooks_lead || !to.has_external },
            };
            let others = news.filter(|_| !to.holders.is_empty());
            let shared = others.map_or_else(Vec::new, |_| to.holders.iter().map(|one| one.session.clone()).collect());
            // What is another session's is not taken from it by a webhook.
            let learned = news.filter(|_| shared.is_empty()).map(learned);
            return Self { session: Some(session.clone()), learned, shared, ..way };
        }
        match find(&to.holders, rules.conflict) {
            Found::One(session) => Self { session: Some(session), ..way },
            Found::Shared { chosen: Some(session), among } => Self { session: Some(session), shared: among, ..way },
            Found::Shared { chosen: None, among } => {
                let kept = rules.conflict == ExternalConflict::Quarantine;
                Self { kept: kept.then_some(Keeping { awaits: false, expires: false }), shared: among, ..way }
            }
            Found::Nobody => {
                let awaited = rules.awaited && to.under_way && message.external.is_some();
                let kept =
                    (message.quarantine || awaited).then_some(Keeping { awaits: true, expires: !message.quarantine });
                Self { kept, ..way }
            }
        }
    }
}

/// A message may tell the portal's own id of a conversation for the first time. Messages behind it that name only that id are
/// then for the same session.
fn introduce(messages: &[Arc<Incoming>], of: &mut [Way]) {
    let mut taught: HashMap<(i64, &str), RoomId> = HashMap::new();
    for (message, way) in messages.iter().zip(of) {
        let Some(external) = way.portal.zip(message.external.as_deref()) else { continue };
        if let Some(learned) = &way.learned {
            // A session that was quicker keeps it.
            if *taught.entry(external).or_insert_with(|| learned.session.clone()) != learned.session {
                way.learned = None;
            }
        } else if way.session.is_none() && way.shared.is_empty() {
            way.session = taught.get(&external).cloned();
        }
    }
}

#[cfg(test)]
mod tests;
