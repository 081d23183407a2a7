//! A part of a file on its way into the store.

use crate::store::{StoreError, archive::Archive};
use hubbub_core::{
    limits::{IMPORT_BATCH, IMPORT_BATCH_BYTES},
    log::{
        entry::{Draft, Outcome, Place, Right},
        hash::HashKey,
        ledger::Happened,
    },
    model::{access::Refusal, backoff::Backoff},
    moving::{Fault, Ordered, UserLine},
};
use std::{sync::Arc, time::Duration};

/// How often something is asked of a store that does not answer.
const TRIES: u32 = 12;

/// Lines that are written together.
#[derive(Default)]
pub(super) struct Batch {
    drafts: Vec<Draft>,
    happened: Vec<Happened>,
    lines: Vec<u64>,
    users: Vec<UserLine>,
    bytes: usize,
}

/// What became of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Entries that were written.
    pub written: u64,
    /// Entries that were there already.
    pub there: u64,
}

/// Why lines were not written.
pub(super) enum NotWritten {
    /// This one is wrong.
    Fault(Fault),
    /// All were written, and these are wrong because others are missing.
    Unfinished(Vec<Fault>),
    /// The store is to blame.
    Store(anyhow::Error),
}

impl Batch {
    /// Adds an entry of a line with so many bytes.
    pub fn entry(&mut self, ordered: Ordered, hash_key: &HashKey, bytes: usize) {
        let Ordered { line, seq, id, key, entry } = ordered;
        self.happened.push(Happened { seq, at: entry.at });
        self.lines.push(line);
        self.drafts.push(Draft {
            room: entry.room,
            id,
            from: entry.from,
            key,
            hash: hash_key.hash(&entry.what),
            what: entry.what,
            right: Right::Backend,
            once: None,
            before: None,
            not_yet: None,
        });
        self.bytes += bytes;
    }

    /// Adds a user.
    pub fn user(&mut self, user: UserLine, bytes: usize) {
        self.users.push(user);
        self.bytes += bytes;
    }

    /// Whether it is to be written.
    pub fn is_full(&self) -> bool {
        self.drafts.len() + self.users.len() >= IMPORT_BATCH || self.bytes >= IMPORT_BATCH_BYTES
    }

    /// Writes it.
    pub async fn write(self, archive: Arc<dyn Archive>) -> Result<Counts, NotWritten> {
        if !self.users.is_empty() {
            patiently(|| archive.put_new_users(&self.users)).await.map_err(NotWritten::Store)?;
        }
        let (mut counts, mut from) = (Counts::default(), 0);
        while from < self.drafts.len() {
            // Written twice it says the same: what is there already is known by its key.
            let written = patiently(|| archive.replay(&self.drafts[from..], &self.happened[from..]));
            let outcomes = written.await.map_err(NotWritten::Store)?;
            let before = from;
            for outcome in outcomes {
                let happened = self.happened[from];
                let problem = match outcome {
                    Outcome::Appended(_) | Outcome::Filled { .. } => {
                        counts.written += 1;
                        None
                    }
                    Outcome::Known(Place { seq, at, .. }) if (seq, at) == (happened.seq, happened.at) => {
                        counts.there += 1;
                        None
                    }
                    Outcome::PutOff => break,
                    other => Some(self.problem(from, &other)),
                };
                if let Some(problem) = problem {
                    return Err(NotWritten::Fault(Fault { line: self.lines[from], problem }));
                }
                from += 1;
            }
            if from == before {
                let stuck = StoreError::Broken("the store takes nothing of a batch".into());
                return Err(NotWritten::Store(stuck.into()));
            }
        }
        Ok(counts)
    }

    /// What is wrong with a line, as the store says.
    fn problem(&self, nth: usize, outcome: &Outcome) -> String {
        let (draft, happened) = (&self.drafts[nth], self.happened[nth]);
        let room = &draft.room;
        match outcome {
            Outcome::Known(place) => format!(
                "key: {} is that of entry {} of {room} at {} already, and this is entry {} at {}",
                draft.key, place.seq, place.at, happened.seq, happened.at
            ),
            Outcome::Conflict { seq, .. } => {
                format!("key: {} is that of entry {seq} of {room} already, which says something else", draft.key)
            }
            Outcome::Refused(Refusal::UnknownRoom) => {
                format!("room: {room} was imported and is open; this line is not in it, and nothing is added to it")
            }
            Outcome::Refused(refusal) => refusal.to_string(),
            _ => format!(
                "seq: this is entry {} of {room}, and the log has others up to there: another file was imported",
                happened.seq
            ),
        }
    }
}

/// Asks the store again where it does not answer for a while.
pub(super) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(ask: impl Fn() -> F) -> anyhow::Result<T> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    let mut tries = 1;
    loop {
        match ask().await {
            Err(StoreError::Unavailable(_) | StoreError::Locked) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(backoff.next(rand::random())).await;
            }
            done => return Ok(done?),
        }
    }
}
