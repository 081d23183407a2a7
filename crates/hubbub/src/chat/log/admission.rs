//! The one door into the logs: admission → queue → commit → announce. Sends, changes of members, names and sessions, and the
//! webhooks of portals all enter here. What a key stands for is hashed here, and ids are made.
//!
//! Admission may take time: a step may be awaited before a draft is queued. What one source submits to one room is queued in
//! the order in which it was submitted, also behind a draft that is held up by its step. Others do not wait for it.

use super::committer::{Post, Submitted, Waiting};
use crate::chat::ChatError;
use futures_util::future::BoxFuture;
use hubbub_core::{
    limits,
    log::{
        entry::{Draft, Outcome, Place, Proposal},
        features::NotYet,
        hash::HashKey,
        source::Source,
    },
    model::ids::RoomId,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use uuid::Uuid;

/// What is to be awaited before a draft is queued, and what it decides. Where it fails otherwise than by
/// [`ChatError::Refused`], what waits behind the draft fails as well.
pub type AdmissionStep = BoxFuture<'static, Result<(), ChatError>>;

/// A source's drafts for a room: the number of the source, and the room.
type Line = (u64, RoomId);

/// A draft that its step, or one before it in its line, holds up.
struct Held {
    waiting: Waiting,
    step: Option<AdmissionStep>,
}

/// See the module.
pub struct Admission {
    door: Arc<Door>,
    sources: AtomicU64,
}

struct Door {
    post: Post,
    hash_key: HashKey,
    /// How many drafts are held up; none: there is nothing to wait behind.
    held: AtomicUsize,
    /// What waits behind the first of each line. A line is there until its last draft is queued.
    lines: Mutex<HashMap<Line, VecDeque<Held>>>,
}

impl Admission {
    pub(crate) fn new(post: Post, hash_key: HashKey) -> Self {
        let door = Door { post, hash_key, held: AtomicUsize::new(0), lines: Mutex::default() };
        Self { door: Arc::new(door), sources: AtomicU64::new(1) }
    }

    /// Whether nothing is held up, and nothing waits for a committer.
    pub fn is_idle(&self) -> bool {
        self.door.held.load(Ordering::Relaxed) == 0 && self.door.post.is_idle()
    }

    /// A source that nobody else is.
    pub fn new_source(&self) -> Source {
        Source::new(self.sources.fetch_add(1, Ordering::Relaxed))
    }

    /// A draft, with the ids and the hash that it lacks. Drafts of rooms that are yet to be made enter with their room; all
    /// others are [submitted](Self::submit).
    pub fn draft(&self, proposal: Proposal) -> Draft {
        proposal.draft(&self.door.hash_key, Uuid::now_v7)
    }

    /// Admits something: it is queued when this returns, unless it waits behind something of the same source for the same room
    /// that is held up. It is committed when [`settled`] says so.
    ///
    /// # Errors
    /// [`ChatError::Busy`]: too much waits already.
    pub fn submit(&self, source: &Source, proposal: Proposal) -> Result<Submitted, ChatError> {
        let (waiting, submitted) = Waiting::new(source.clone(), self.draft(proposal));
        if self.door.held.load(Ordering::Relaxed) == 0 {
            self.door.post.queue(waiting).map_err(|_| ChatError::Busy)?;
            return Ok(submitted);
        }
        self.door.hold(Held { waiting, step: None })?;
        Ok(submitted)
    }

    /// Admits something once `step` allows it.
    ///
    /// # Errors
    /// [`ChatError::Busy`]: too much is held up already.
    pub fn submit_after(
        &self,
        source: &Source,
        proposal: Proposal,
        step: AdmissionStep,
    ) -> Result<Submitted, ChatError> {
        let (waiting, submitted) = Waiting::new(source.clone(), self.draft(proposal));
        self.door.hold(Held { waiting, step: Some(step) })?;
        Ok(submitted)
    }
}

impl Door {
    fn lines(&self) -> MutexGuard<'_, HashMap<Line, VecDeque<Held>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what nothing holds up, and holds the rest.
    fn hold(self: &Arc<Self>, one: Held) -> Result<(), ChatError> {
        let has_order = *one.waiting.source() != Source::NONE;
        let line = (one.waiting.source().number(), one.waiting.room().clone());
        let mut lines = self.lines();
        let behind = lines.get_mut(&line).filter(|_| has_order);
        if behind.is_none() && one.step.is_none() {
            return self.post.queue(one.waiting).map_err(|_| ChatError::Busy);
        }
        if self.held.load(Ordering::Relaxed) >= limits::COMMIT_QUEUE {
            return Err(ChatError::Busy);
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        match behind {
            Some(behind) => behind.push_back(one),
            None => {
                if has_order {
                    lines.insert(line.clone(), VecDeque::new());
                }
                tokio::spawn(self.clone().pass_line(line, one));
            }
        }
        Ok(())
    }

    /// Lets a draft pass, then those behind it, each when its step allows it.
    async fn pass_line(self: Arc<Self>, line: Line, first: Held) {
        let mut next = Some(first);
        while let Some(one) = next {
            let failed = self.pass(one).await;
            let mut lines = self.lines();
            if let Some(error) = failed {
                let behind = lines.get_mut(&line).map(std::mem::take).unwrap_or_default();
                self.held.fetch_sub(behind.len(), Ordering::Relaxed);
                behind.into_iter().for_each(|held| held.waiting.fail(error.clone()));
            }
            next = lines.get_mut(&line).and_then(VecDeque::pop_front);
            if next.is_none() {
                lines.remove(&line);
            }
        }
    }

    /// Waits for a draft's step and queues it. Returns why those behind it are to fail, too.
    async fn pass(&self, one: Held) -> Option<ChatError> {
        let admitted = match one.step {
            // On its own: should it panic, the line goes on.
            Some(step) => tokio::spawn(step).await.unwrap_or(Err(ChatError::Unavailable)),
            None => Ok(()),
        };
        let refused = match admitted {
            Ok(()) => self.post.queue(one.waiting).err().map(|waiting| (*waiting, ChatError::Busy)),
            Err(error) => Some((one.waiting, error)),
        };
        self.held.fetch_sub(1, Ordering::Relaxed);
        let (waiting, error) = refused?;
        if matches!(error, ChatError::Refused(_)) {
            waiting.refuse(error);
            return None;
        }
        waiting.fail(error.clone());
        Some(error)
    }
}

/// Waits for the commit of what was submitted. `None`: things were as asked already.
///
/// # Errors
/// Why it is not in the log; with [`ChatError::Unavailable`] it may be.
pub async fn settled(submitted: Submitted) -> Result<Option<Place>, ChatError> {
    place(submitted.outcome().await?)
}

/// Where something is in the log. `None`: things were as asked already.
///
/// # Errors
/// Why it is not there.
pub fn place(outcome: Outcome) -> Result<Option<Place>, ChatError> {
    match outcome {
        Outcome::Appended(place) | Outcome::Known(place) => Ok(Some(place)),
        Outcome::Filled { place, .. } | Outcome::Both { place, .. } | Outcome::Repeated { place, .. } => {
            Ok(Some(*place))
        }
        Outcome::Unchanged => Ok(None),
        Outcome::Conflict { id, seq } => Err(ChatError::Conflict { id, seq }),
        Outcome::Refused(refusal) => Err(refusal.into()),
        Outcome::NotYet(feature) => Err(NotYet(feature).into()),
        // The committer commits it before anybody is told.
        Outcome::PutOff => Err(ChatError::Busy),
    }
}

#[cfg(test)]
mod tests;
