//! Edits and deletions that come from portals: found by the portal's id of the message, and put into its log. What comes before its
//! message waits for it, in the store: any instance goes on with it, and two may do it at once.

use super::{
    Complaint,
    store::{Destination, ExternalRules, Incoming, Received, Resolved},
    support::SupportChat,
};
use crate::chat::{ChatError, log::admission};
use futures_util::future::join_all;
use hubbub_core::{
    limits,
    log::{
        entry::{Outcome, Place},
        kinds::{Message, Text},
    },
    model::{
        access::Refusal,
        ids::{Key, RoomId},
    },
    portal::{
        PortalId,
        incoming_change::{DueChange, Idle, IncomingChange, Target},
        mapping::names_message,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Instant,
};
use uuid::Uuid;

pub mod store;

/// Where a webhook says that a message is which it changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// The session, as the portal spelled it.
    pub session: Option<String>,
    /// The portal's own id of the conversation.
    pub external: Option<String>,
    /// Keep it where the session is not known.
    pub quarantine: bool,
    /// What the portal's settings say of its ids.
    pub externals: ExternalRules,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    /// It is in the log, or was before.
    Stored(RoomId, Place),
    /// It changes nothing, and never will.
    Idle(Idle),
    /// Its message has not come: it waits for it.
    Awaited,
    /// As many wait as may.
    Full,
    /// Its session is not known.
    UnknownSession,
    /// Several sessions have the id, and the portal's settings refuse to choose.
    Shared(Vec<RoomId>),
    /// Its session takes nothing now.
    Held(Refusal),
}

/// Messages that came and that nobody has looked yet for changes of.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// More than are named.
    may_be_any: bool,
    names: BTreeMap<PortalId, BTreeSet<String>>,
}

impl Arrived {
    fn note(&mut self, portal: &PortalId, name: &str) {
        if self.may_be_any {
            return;
        }
        let names = self.names.entry(portal.clone()).or_default();
        names.insert(name.to_owned());
        if names.len() > limits::CHANGES_ARRIVED {
            *self = Self { may_be_any: true, names: BTreeMap::new() };
        }
    }
}

/// What was done of changes whose message has come.
struct TakenUp {
    /// How many wait no more.
    done: usize,
    /// Sessions in which the others wait for one that could not be done.
    held: Vec<RoomId>,
}

/// When an instance looks at the changes that wait: at once where it has heard of their message, and seldom without. What waits for
/// nothing that comes costs next to nothing.
#[derive(Debug, Default)]
pub(super) struct Looking {
    next: Option<Instant>,
}

impl Looking {
    /// Takes up what is to be taken up.
    pub async fn turn(&mut self, support: &SupportChat, complaint: &Complaint) {
        let is_time = self.next.is_none_or(|next| next <= Instant::now());
        if !support.is_awaited().await && !is_time {
            return;
        }
        let (mut held, mut is_done) = (Vec::new(), true);
        loop {
            let due = support.store.due_changes(&held).await;
            is_done &= due.is_ok();
            let due = complaint.hear("what has waited for its message cannot be read", due).unwrap_or_default();
            if due.is_empty() {
                break;
            }
            let taken_up = support.take_up_changes(due).await;
            if taken_up.done == 0 && taken_up.held.is_empty() {
                is_done = false;
                break;
            }
            held.extend(taken_up.held);
        }
        let again_in = if is_done && held.is_empty() { limits::CHANGES_EVERY } else { limits::CHANGES_HELD_FOR };
        self.next = Some(Instant::now() + again_in);
    }
}

impl SupportChat {
    /// Takes a change, or keeps it until its message comes.
    pub(super) async fn change(&self, change: &IncomingChange, named: &Named) -> Result<Changed, ChatError> {
        match self.target(change, named).await? {
            Ok(target) => {
                // What came earlier comes first.
                if self.store.changes_wait(&change.portal, &change.targets).await? {
                    return self.await_message(change).await;
                }
                match self.put_change(change, &target).await {
                    // Nothing of it is lost while an older instance goes.
                    Err(ChatError::NotYet(_)) => self.await_message(change).await,
                    put => put,
                }
            }
            Err(Changed::Awaited) => self.await_message(change).await,
            Err(decided) => Ok(decided),
        }
    }

    async fn await_message(&self, change: &IncomingChange) -> Result<Changed, ChatError> {
        let kept = self.store.keep_change(change).await?;
        // The message may have come in between.
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).may_be_any = true;
        self.releasing.notify_one();
        Ok(if kept { Changed::Awaited } else { Changed::Full })
    }

    /// The message that is meant; otherwise what becomes of the change without one.
    async fn target(&self, change: &IncomingChange, named: &Named) -> Result<Result<Target, Changed>, ChatError> {
        // A message by each of these names, that is only asked about: the store knows the one that came.
        let asked = change.targets.iter().map(|name| {
            let id = Uuid::now_v7();
            Arc::new(Incoming {
                portal: change.portal.clone(),
                session: named.session.clone(),
                external: named.external.clone(),
                event: Some(name.clone()),
                id,
                key: Key::of_id(id),
                from: change.from.clone(),
                message: Message::new(Text::trusted(String::new()), None, None),
                quarantine: named.quarantine,
                externals: ExternalRules { only_asked: true, ..named.externals },
            })
        });
        let resolved = self.resolve(asked.collect()).await?;
        let known = resolved.iter().find_map(|one| match (&one.to, one.portal) {
            (Destination::Nowhere(Received::Repeated { session, place }), Some(portal)) => {
                Some(Target { portal, session: session.clone(), seq: place.seq })
            }
            _ => None,
        });
        if let Some(target) = known {
            return Ok(Ok(target));
        }
        let is_awaited = |one: &Resolved| {
            one.awaited || matches!(one.to, Destination::Log { .. } | Destination::Nowhere(Received::Quarantined(_)))
        };
        if resolved.iter().any(is_awaited) {
            return Ok(Err(Changed::Awaited));
        }
        let shared = resolved.into_iter().find_map(|one| match one.to {
            Destination::Nowhere(Received::Shared(among)) => Some(among),
            _ => None,
        });
        Ok(Err(shared.map_or(Changed::UnknownSession, Changed::Shared)))
    }

    /// Puts a change into the log of its message.
    async fn put_change(&self, change: &IncomingChange, target: &Target) -> Result<Changed, ChatError> {
        let source = self.chat.admission.new_source();
        let submitted = self.chat.admission.submit(&source, change.proposal(target))?;
        let outcome = submitted.outcome().await?;
        if let Outcome::Repeated { room, place } = outcome {
            self.announce_known(&Received::Repeated { session: room.clone(), place: *place });
            return Ok(Changed::Stored(room, *place));
        }
        match admission::place(outcome) {
            Ok(Some(place)) => Ok(Changed::Stored(target.session.clone(), place)),
            Ok(None) => Ok(Changed::Idle(Idle::Unchanged)),
            Err(ChatError::Refused(refusal)) => {
                tracing::debug!(portal = %change.portal, session = %target.session, %refusal, "a change was passed over");
                Ok(Idle::of(&refusal).map_or(Changed::Held(refusal), Changed::Idle))
            }
            Err(other) => Err(other),
        }
    }

    /// These messages of a portal are there now, by their names.
    pub(super) fn has_arrived(&self, portal: &PortalId, names: &[String]) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names.iter().filter(|name| names_message(name)) {
            arrived.note(portal, name);
        }
    }

    /// Whether something waits for what has arrived since this was asked last.
    async fn is_awaited(&self) -> bool {
        let arrived = std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner));
        if arrived.may_be_any {
            return true;
        }
        for (portal, names) in arrived.names {
            let names: Vec<String> = names.into_iter().collect();
            // Where the store does not answer it is looked for.
            if self.store.changes_wait(&portal, &names).await.unwrap_or(true) {
                return true;
            }
        }
        false
    }

    /// Takes up changes whose message has come.
    async fn take_up_changes(&self, due: Vec<DueChange>) -> TakenUp {
        let mut sessions: BTreeMap<RoomId, Vec<DueChange>> = BTreeMap::new();
        for one in due {
            sessions.entry(one.target.session.clone()).or_default().push(one);
        }
        // Nobody waits for somebody else's session.
        let in_order = |(session, due)| async move { (session, self.take_up_in_order(due).await) };
        let (mut done, mut held) = (Vec::new(), Vec::new());
        for (session, (numbers, is_held)) in join_all(sessions.into_iter().map(in_order)).await {
            done.extend(numbers);
            held.extend(is_held.then_some(session));
        }
        match self.store.drop_changes(&done).await {
            Ok(()) => TakenUp { done: done.len(), held },
            // Done again, they are recognised.
            Err(error) => {
                tracing::debug!(%error, "changes that wait no more are still there");
                TakenUp { done: 0, held }
            }
        }
    }

    /// All of one session, the oldest first: those that wait no more, and whether one holds the others up.
    async fn take_up_in_order(&self, due: Vec<DueChange>) -> (Vec<u64>, bool) {
        let mut done = Vec::with_capacity(due.len());
        for DueChange { waiting, target } in due {
            match self.put_change(&waiting.named(), &target).await {
                Ok(Changed::Held(_)) | Err(_) => return (done, true),
                Ok(_) => done.push(waiting.number),
            }
        }
        (done, false)
    }

    /// Throws away what has waited too long.
    pub(super) async fn sweep_changes(&self) -> Result<(), ChatError> {
        for (portal, changes) in self.store.sweep_changes().await? {
            let waited = limits::AWAITED_FOR.as_secs();
            tracing::warn!(%portal, changes, waited, "edits and deletions of messages that never came were thrown away");
            self.chat.metrics.portals.expired(portal.as_str(), changes);
        }
        Ok(())
    }
}
