//! Edits and deletions that come from portals: found by the portal's id of the message, and put into its log. What comes before its
//! message waits for it, in the store: any instance goes on with it, and two may do it at once.

use super::{
    store::{Destination, ExternalRules, Incoming, Received, Resolved},
    support::SupportChat,
};
use crate::chat::{ChatError, log::admission};
use hubbub_core::{
    limits,
    log::{
        entry::{Outcome, Place},
        kinds::{Message, Text},
    },
    model::ids::{Key, RoomId},
    portal::incoming_change::{DueChange, Idle, IncomingChange, Target},
};
use std::sync::Arc;
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
    /// The log is full.
    LogFull,
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
                Ok(Idle::of(&refusal).map_or(Changed::LogFull, Changed::Idle))
            }
            Err(other) => Err(other),
        }
    }

    /// Takes up changes whose message has come; says how many wait no more.
    pub(super) async fn take_up_changes(&self, due: Vec<DueChange>) -> usize {
        let mut done = Vec::with_capacity(due.len());
        for DueChange { waiting, target } in due {
            // Those behind it of the same message wait for it.
            match self.put_change(&waiting.named(), &target).await {
                Ok(_) => done.push(waiting.number),
                Err(_) => break,
            }
        }
        match self.store.drop_changes(&done).await {
            Ok(()) => done.len(),
            // Done again, they are recognised.
            Err(error) => {
                tracing::debug!(%error, "changes that wait no more are still there");
                0
            }
        }
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
