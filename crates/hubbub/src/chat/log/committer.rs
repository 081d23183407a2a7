//! The group commit: how drafts become entries.
//!
//! Committers are sharded by room, so that a room's drafts are committed in the order they were submitted. Each takes
//! whatever is waiting (there is no timer), has one batch in flight, and answers only after the commit.

use super::{announcer::Announcer, locked::Locked};
use crate::{
    chat::{ChatError, underway::Underway, versions::KnownToAll},
    log::Summary,
    metrics::Metrics,
    spans::{self, Onward},
    store::{Store, StoreError},
};
use futures_util::{StreamExt, stream};
use hubbub_core::{
    limits,
    live::wake::Wake,
    log::{
        encoded::EncodedEntry,
        entry::{Draft, Entry, Outcome, Place},
        features::NotYet,
        kinds::What,
        source::{Failed, Source},
    },
    model::{backoff::Backoff, ids::RoomId},
};
use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

/// Rooms of a batch that are committed side by side where one of them cannot be: of the store's ten connections two stay free
/// if that happens to all four committers at once.
const ROOMS_AT_ONCE: usize = 2;

/// Batches that were given up.
static GIVEN_UP: Summary = Summary::new("a batch was given up; its senders are told to retry");

/// A draft that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    draft: Draft,
    submitter: Submitter,
}

/// Who waits for a draft's outcome.
#[derive(Debug)]
struct Submitter {
    source: Source,
    since: Instant,
    trace: Onward,
    answer: oneshot::Sender<Result<Outcome, ChatError>>,
}

impl Waiting {
    /// From now on, and what its submitter waits for.
    pub fn new(source: Source, draft: Draft) -> (Self, Submitted) {
        let (answer, submitted) = oneshot::channel();
        let since = Instant::now();
        let submitted = Submitted { answered: submitted, source: source.clone(), until: since + limits::SEND_PATIENCE };
        let submitter = Submitter { source, since, trace: Onward::here(), answer };
        (Self { draft, submitter }, submitted)
    }

    /// The room it is for.
    pub const fn room(&self) -> &RoomId {
        &self.draft.room
    }

    /// Who submitted it.
    pub const fn source(&self) -> &Source {
        &self.submitter.source
    }

    /// Answers that it is not taken, to who may have gone.
    pub fn refuse(self, why: ChatError) {
        let _ = self.submitter.answer.send(Err(why));
    }

    /// The same, and what its line submits behind it fails, too.
    pub fn fail(self, why: ChatError) {
        self.submitter.source.fail();
        self.refuse(why);
    }
}

/// A draft on its way.
#[derive(Debug)]
pub struct Submitted {
    answered: oneshot::Receiver<Result<Outcome, ChatError>>,
    source: Source,
    until: Instant,
}

impl Submitted {
    /// What became of it.
    ///
    /// # Errors
    /// Why it is not in the log; with [`ChatError::Unavailable`] it may be, or come to be. Where that has lasted too long, what its
    /// line submits behind it fails, too.
    pub async fn outcome(self) -> Result<Outcome, ChatError> {
        let until = self.until.into();
        let mut outcome = pin!(self.outcome_when_polled());
        match tokio::time::timeout_at(until, &mut outcome).await {
            Ok(outcome) => outcome,
            Err(_) => outcome.await,
        }
    }

    /// The same without a timer of its own: it has lasted too long once it is polled after [`limits::SEND_PATIENCE`]. For those
    /// who have many under way and one timer.
    ///
    /// # Errors
    /// As above.
    pub async fn outcome_when_polled(mut self) -> Result<Outcome, ChatError> {
        poll_fn(|cx| match Pin::new(&mut self.answered).poll(cx) {
            Poll::Ready(answered) => Poll::Ready(answered.unwrap_or(Err(ChatError::Unavailable))),
            Poll::Pending if Instant::now() >= self.until => {
                self.source.fail();
                Poll::Ready(Err(ChatError::Unavailable))
            }
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// See the module.
#[derive(Debug)]
pub struct Post {
    committers: Vec<mpsc::Sender<Waiting>>,
    metrics: Arc<Metrics>,
}

impl Post {
    /// Starts the committers. They end, with what they hold committed, when this is dropped.
    pub fn start(
        store: &Arc<dyn Store>,
        announcer: &Arc<Announcer>,
        metrics: &Arc<Metrics>,
        known_to_all: &KnownToAll,
        underway: &Underway,
    ) -> Self {
        let locked = Arc::new(Locked::default());
        let committers = (0..store.committers())
            .map(|_| {
                let (queue, waiting) = mpsc::channel(limits::COMMIT_QUEUE);
                let committer = Committer {
                    waiting,
                    store: store.clone(),
                    announcer: announcer.clone(),
                    metrics: metrics.clone(),
                    locked: locked.clone(),
                    known_to_all: known_to_all.clone(),
                    underway: underway.clone(),
                };
                tokio::spawn(committer.run());
                queue
            })
            .collect();
        Self { committers, metrics: metrics.clone() }
    }

    /// Whether nothing waits in a queue.
    pub(super) fn is_idle(&self) -> bool {
        self.committers.iter().all(|queue| queue.capacity() == queue.max_capacity())
    }

    /// Queues a draft, or gives it back where too many wait. Drafts of one room are committed in the order of these calls.
    pub(super) fn queue(&self, waiting: Waiting) -> Result<(), Box<Waiting>> {
        let shard = usize::from(waiting.draft.room.lane(self.committers.len() as u16));
        self.committers[shard].try_send(waiting).map_err(|error| {
            self.metrics.refused.inc();
            Box::new(error.into_inner())
        })
    }
}

struct Committer {
    waiting: mpsc::Receiver<Waiting>,
    store: Arc<dyn Store>,
    announcer: Arc<Announcer>,
    metrics: Arc<Metrics>,
    locked: Arc<Locked>,
    known_to_all: KnownToAll,
    underway: Underway,
}

impl Committer {
    async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let room = limits::BATCH.saturating_sub(batch.len());
            // After a failure a rest is left over, which must not wait for company.
            if batch.is_empty() {
                if self.waiting.recv_many(&mut batch, room).await == 0 {
                    return;
                }
            } else {
                self.take_waiting(&mut batch, room);
            }
            let _underway = self.underway.begin();
            // Whoever sent these did not know yet that one before them had failed.
            self.refuse_failing(&mut batch, |_, submitter| submitter.source.has_failed());
            let taken: Vec<_> = batch.drain(..batch.len().min(limits::BATCH)).collect();
            if taken.is_empty() {
                continue;
            }
            let rooms = || taken.iter().map(|waiting| &waiting.draft.room).collect::<HashSet<_>>().len();
            let span = spans::commit(taken.len(), rooms, taken.iter().map(|waiting| &waiting.submitter.trace));
            let Committed { failed, put_off } = self.commit(taken).instrument(span).await;
            // In front of what has waited less.
            batch.splice(..0, put_off);
            if !failed.is_empty() {
                self.fail_those_behind(failed, &mut batch);
            }
        }
    }

    fn take_waiting(&mut self, batch: &mut Vec<Waiting>, most: usize) {
        batch.extend((0..most).map_while(|_| self.waiting.try_recv().ok()));
    }

    /// Commits a batch and answers it, but for what the store has put off.
    async fn commit(&self, batch: Vec<Waiting>) -> Committed {
        let (mut drafts, submitters): (Vec<_>, _) =
            batch.into_iter().map(|Waiting { draft, submitter }| (draft, submitter)).unzip();
        self.known_to_all.mark(&mut drafts);
        let batch = Batch { drafts, submitters };
        let began = Instant::now();
        let give_up = began + limits::COMMIT_PATIENCE;
        let appended = self.append(&batch.drafts, give_up).await;
        self.metrics.committed(began.elapsed());
        match appended {
            Ok(outcomes) => Committed { put_off: self.settle(batch, outcomes), ..Committed::default() },
            // Somebody holds a room, or something in it cannot be: only that room's senders are told so, the others go on.
            Err(why @ (StoreError::Locked | StoreError::Broken(_))) => {
                let is_locked = matches!(why, StoreError::Locked);
                let late =
                    || if is_locked { StoreError::Locked } else { StoreError::Unavailable("no time is left".into()) };
                // Side by side: the lock is waited for a second time, and the others are not to wait with it.
                let parts =
                    batch.by_room().map(async |part| match self.append_part(&part.drafts, give_up, late).await {
                        Ok(outcomes) => Committed { put_off: self.settle(part, outcomes), ..Committed::default() },
                        Err(error) => {
                            if let (StoreError::Locked, Some(draft)) = (&error, part.drafts.first()) {
                                self.locked.refused(&draft.room, part.drafts.len());
                            }
                            Committed { failed: self.fail(part, error.into()), ..Committed::default() }
                        }
                    });
                let parts: Vec<_> = stream::iter(parts).buffer_unordered(ROOMS_AT_ONCE).collect().await;
                parts.into_iter().fold(Committed::default(), |mut all, some| {
                    all.failed.extend(some.failed);
                    all.put_off.extend(some.put_off);
                    all
                })
            }
            Err(error) => {
                let drafts = batch.drafts.len();
                GIVEN_UP.note(|| format!("{error}, {drafts} drafts"));
                Committed { failed: self.fail(batch, error.into()), ..Committed::default() }
            }
        }
    }

    /// The store's transaction, repeated while its outcome is unknown: with their keys the same drafts settle it. All attempts
    /// together end at `give_up`.
    async fn append(&self, drafts: &[Draft], give_up: Instant) -> Result<Vec<Outcome>, StoreError> {
        let late = |_| Err(StoreError::Unavailable("the store did not answer in time".into()));
        let mut backoff = Backoff::new(Duration::from_millis(20), limits::REDIAL_MAX);
        self.metrics.commits.inc();
        self.metrics.commit_size.observe(drafts.len() as f64);
        loop {
            match tokio::time::timeout_at(give_up.into(), self.store.append(drafts)).await.unwrap_or_else(late) {
                Err(StoreError::Unavailable(why)) => {
                    self.metrics.store.fails(&why);
                    let wait = backoff.next(rand::random());
                    if Instant::now() + wait > give_up {
                        return Err(StoreError::Unavailable(why));
                    }
                    tokio::time::sleep(wait).await;
                }
                settled => {
                    if settled.is_ok() {
                        self.metrics.store.works();
                        self.locked.taken(drafts);
                    }
                    return settled;
                }
            }
        }
    }

    /// A part of a batch, unless the others have taken all the time there was.
    async fn append_part(
        &self,
        drafts: &[Draft],
        give_up: Instant,
        late: impl FnOnce() -> StoreError,
    ) -> Result<Vec<Outcome>, StoreError> {
        if Instant::now() >= give_up { Err(late()) } else { self.append(drafts, give_up).await }
    }

    /// Tells everybody what became of a batch. Returns what was put off, in order.
    fn settle(&self, batch: Batch, outcomes: Vec<Outcome>) -> Vec<Waiting> {
        let mut put_off = Vec::new();
        let mut wakes = Vec::with_capacity(batch.drafts.len());
        let mut answers = Vec::with_capacity(batch.drafts.len());
        let now = Instant::now();
        for ((draft, submitter), outcome) in batch.each().zip(outcomes) {
            if outcome == Outcome::PutOff {
                put_off.push(Waiting { draft, submitter });
                continue;
            }
            match &outcome {
                Outcome::Appended(place) => wakes.push(self.entry(*place, &draft.into_entry(*place))),
                Outcome::Both { before, place } => {
                    let first = draft.before.as_deref().map(|first| draft.entry_before(first, **before));
                    wakes.extend(first.map(|entry| self.entry(**before, &entry)));
                    wakes.push(self.entry(**place, &draft.into_entry(**place)));
                }
                Outcome::Filled { place, what } => {
                    let filled = Entry { what: (**what).clone(), ..draft.into_entry(**place) };
                    wakes.push(self.entry(**place, &filled));
                }
                Outcome::Known(place) => {
                    self.deleted_before(&draft, &draft.room, Some(*place));
                    wakes.push(self.head(&draft.room, *place));
                }
                Outcome::Repeated { room, place } => {
                    self.deleted_before(&draft, room, Some(**place));
                    wakes.push(self.head(room, **place));
                }
                Outcome::Unchanged => self.deleted_before(&draft, &draft.room, None),
                Outcome::Conflict { .. } | Outcome::Refused(_) | Outcome::NotYet(_) | Outcome::PutOff => {}
            }
            let answer = match outcome {
                Outcome::NotYet(feature) => Err(NotYet(feature).into()),
                outcome => Ok(outcome),
            };
            self.metrics.latency.send.observe(now.duration_since(submitter.since).as_secs_f64());
            answers.push((submitter.answer, answer));
        }
        // A deletion is acknowledged once nobody here is given any more what it has blanked.
        let blanks = |wake: &Wake| matches!(wake, Wake::Entry { entry, .. } if !entry.effects.blanked().is_empty());
        let first = wakes.iter().any(blanks);
        if first {
            self.announcer.announce(&wakes);
        }
        for (to, answer) in answers {
            // The sender may have gone; the entry stays.
            let _ = to.send(answer);
        }
        if !first {
            self.announcer.announce(&wakes);
        }
        put_off
    }

    /// A deletion that was in the log already may not have been heard of here: its first attempt can have been another instance's,
    /// or one whose answer was lost.
    fn deleted_before(&self, draft: &Draft, room: &RoomId, place: Option<Place>) {
        if matches!(draft.what, What::Deleted(_)) {
            self.announcer.hear_of_deletion(room, place);
        }
    }

    fn entry(&self, place: Place, entry: &Entry) -> Wake {
        self.metrics.appended.inc();
        self.announcer.hear_written(entry);
        Wake::Entry { epoch: place.epoch, entry: EncodedEntry::new(entry) }
    }

    /// Of what is in the log already: whoever committed it first may have died before telling anybody.
    fn head(&self, room: &RoomId, place: Place) -> Wake {
        self.metrics.repeated.inc();
        Wake::Head { room: room.clone(), epoch: place.epoch, seq: place.seq }
    }

    fn fail(&self, batch: Batch, error: ChatError) -> Failed {
        let mut failed = Failed::default();
        for (draft, submitter) in batch.each() {
            failed.add(&submitter.source, &draft.room);
            self.refuse(submitter, error.clone());
        }
        failed
    }

    /// Fails what has waited too long already for a store that does not answer, and what waits behind a failed send of the same
    /// connection to the same room, also behind one that fails here. The rest stays in `batch`.
    fn fail_those_behind(&mut self, mut failed: Failed, batch: &mut Vec<Waiting>) {
        self.take_waiting(batch, limits::COMMIT_QUEUE);
        self.refuse_failing(batch, |draft, submitter| {
            let is_late = submitter.since.elapsed() > limits::SEND_PATIENCE;
            failed.takes_along(&submitter.source, &draft.room, is_late)
        });
    }

    fn refuse_failing(&self, batch: &mut Vec<Waiting>, mut fails: impl FnMut(&Draft, &Submitter) -> bool) {
        let failing: Vec<_> = batch.extract_if(.., |Waiting { draft, submitter }| fails(draft, submitter)).collect();
        failing.into_iter().for_each(|waiting| self.refuse(waiting.submitter, ChatError::Busy));
    }

    fn refuse(&self, submitter: Submitter, why: ChatError) {
        self.metrics.refused.inc();
        // The submitter may have gone.
        let _ = submitter.answer.send(Err(why));
    }
}

/// What is left of a batch.
#[derive(Default)]
struct Committed {
    /// Whose sends to which rooms failed.
    failed: Failed,
    /// What is to be committed with the next batch, in order.
    put_off: Vec<Waiting>,
}

/// Drafts for one transaction, and who waits for each.
struct Batch {
    drafts: Vec<Draft>,
    submitters: Vec<Submitter>,
}

impl Batch {
    fn each(self) -> impl Iterator<Item = (Draft, Submitter)> {
        self.drafts.into_iter().zip(self.submitters)
    }

    fn by_room(self) -> impl Iterator<Item = Self> {
        let mut by_room: HashMap<RoomId, Self> = HashMap::new();
        for (draft, submitter) in self.each() {
            let part = by_room.entry(draft.room.clone());
            let part = part.or_insert_with(|| Self { drafts: Vec::new(), submitters: Vec::new() });
            part.drafts.push(draft);
            part.submitters.push(submitter);
        }
        by_room.into_values()
    }
}
