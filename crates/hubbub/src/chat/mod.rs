//! What a chat does: knows rooms, logs, readers and people; knows no transport. What can be asked of it is in [`methods`].
//!
//! The way of a message: [`log::admission`] → [`log::committer`] → the store → [`log::announcer`] → [`live`].

use crate::{
    bus::{Bus, Health},
    clock::Clock,
    log::Summary,
    metrics::Metrics,
    store::{Store, StoreError},
};
use hubbub_core::{
    limits,
    live::{
        item::Item,
        receipt::{Became, Node, PassedOn, WantsReceipt},
        stream_id::StreamId,
        wake::Wake,
    },
    log::{
        account::OverQuota,
        entry::{Proposal, Right},
        features::NotYet,
        quota::Quota,
        source::Source,
    },
    model::{
        access::Refusal,
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::Seq,
    },
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

pub mod live;
pub mod log;
pub mod methods;

pub mod accounts;
mod audit;
pub mod infos;
pub mod instances;
pub mod intake;
mod measured;
pub mod names;
pub mod people;
pub mod presence;
mod purge;
pub mod revoked;
pub mod rooms;
pub mod spent;
pub mod streams;
mod timekeeper;
pub mod underway;
pub mod versions;

use accounts::Accounts;
use infos::Infos;
use instances::Instances;
use intake::{Intake, Received};
use live::{look_up::LookUps, shards::Shards, sweep::Sweep};
use log::{
    admission::{Admission, AdmissionStep},
    announcer::{Announcer, Hearers},
    committer::{Post, Submitted},
};
use measured::{measure, written};
use methods::writing::Writing;
use people::{
    People,
    activity::Activity,
    marks::{self, MarkKeeper},
    online::Online,
    typing::Typing,
};
use presence::Presence;
use purge::Purging;
use revoked::Revoked;
use spent::SpentTokens;
use streams::{Handed, Streams};
use underway::Underway;
use versions::KnownToAll;

/// Why a chat did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// A rule of the room.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The key was used for something else.
    #[error("this key belongs to entry {id} (seq {seq}) with another body")]
    Conflict {
        /// The first entry with the key.
        id: Uuid,
        /// Its number.
        seq: Seq,
    },
    /// The position cannot be recovered, and the client asked for an error then.
    #[error("unrecoverable position")]
    Unrecoverable,
    /// There is a room of this id, of another kind or somebody else's.
    #[error("a room of this id exists")]
    RoomExists,
    /// A user has used what there is.
    #[error(transparent)]
    OverQuota(OverQuota),
    /// An instance that lives does not know what is in it; nothing was written.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// Too much waits for the store; nothing was written.
    #[error("busy, retry with the same key")]
    Busy,
    /// The store does not answer; whether something was written may be unknown.
    #[error("temporarily unavailable, retry with the same key")]
    Unavailable,
}

impl ChatError {
    /// No such room, or one that may not be seen.
    pub const UNKNOWN_ROOM: Self = Self::Refused(Refusal::UnknownRoom);
}

impl From<StoreError> for ChatError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Locked => Self::Busy,
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Broken(why) => {
                BROKEN.note(|| why);
                Self::Unavailable
            }
        }
    }
}

/// Answers that should not be.
static BROKEN: Summary = Summary::new("the store answered something unexpected");

/// One instance's chat.
pub struct Chat {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What time it is where others are to agree.
    pub clock: Arc<Clock>,
    /// Who is connected here.
    pub people: Arc<People>,
    /// Whose connections are told of all their rooms.
    pub activity: Arc<Activity>,
    /// Who is connected to other instances.
    pub(crate) online: Arc<Online>,
    /// Who types.
    pub(crate) typing: Arc<Typing>,
    /// How far they have read.
    pub marks: MarkKeeper,
    /// Whose stream is here.
    pub streams: Arc<Streams>,
    /// What clients have sent and nobody has executed.
    pub intake: Intake,
    /// Tokens that are not taken again.
    pub spent: Arc<SpentTokens>,
    /// Users whose tokens are not taken any more.
    pub revoked: Arc<Revoked>,
    /// Pages that may be read at a time, for readers and requests together.
    pub page_turns: Arc<Semaphore>,
    feeds: Arc<live::feeds::Feeds>,
    look_ups: LookUps,
    infos: Infos,
    /// The way into the logs.
    pub admission: Admission,
    pub(crate) announcer: Arc<Announcer>,
    presence: Arc<Presence>,
    bus: Arc<dyn Bus>,
    /// Which instances live.
    pub instances: Instances,
    /// What all of them know of what was added to logs.
    pub known_to_all: KnownToAll,
    quota: RwLock<Quota>,
    /// A room was deleted: something is to be cleared away.
    purging: Purging,
    /// What is not committed and told yet.
    underway: Underway,
    /// What users use of this instance.
    pub accounts: Arc<Accounts>,
}

impl Chat {
    /// Starts a chat on a store and a bus. `shared` says that other instances may write to the store.
    pub fn start(store: Arc<dyn Store>, bus: Arc<dyn Bus>, metrics: Arc<Metrics>, shared: bool) -> Self {
        let page_turns = Arc::new(Semaphore::new(limits::PAGE_READS));
        let clock = Arc::<Clock>::default();
        let shards = Shards::start(&written(metrics.clone(), clock.clone()));
        let feeds = Arc::new(live::feeds::Feeds::new(store.clone(), metrics.clone(), page_turns.clone(), shards));
        let people = Arc::new(People::default());
        tokio::spawn(People::tell_what_was_missed(Arc::downgrade(&people)));
        let typing = Arc::<Typing>::default();
        let activity = Activity::start(store.clone(), metrics.clone());
        let streams = Arc::new(Streams::new(metrics.clone()));
        let spent = Arc::<SpentTokens>::default();
        let revoked = Revoked::start(store.clone(), people.clone(), shared);
        let intake = Intake::default();
        let boot = Uuid::new_v4();
        let instances = Instances::start(boot, store.clone(), bus.health(), shared);
        let (presence, outgoing) = Presence::start(boot, feeds.clone(), &instances);
        let (online, asked) = Online::new(boot, people.clone(), instances.living());
        let hearers = Hearers {
            feeds: feeds.clone(),
            people: people.clone(),
            typing: typing.clone(),
            activity: activity.clone(),
            online: online.clone(),
            streams: streams.clone(),
            presence: presence.clone(),
            spent: spent.clone(),
            revoked: revoked.clone(),
            intake: intake.clone(),
        };
        let announcer = Arc::new(Announcer::new(boot, hearers, bus.clone(), metrics.clone()));
        tokio::spawn(Presence::publish(outgoing, announcer.clone()));
        let says = announcer.clone();
        tokio::spawn(Online::serve(online.clone(), asked, move |wake| says.publish(&[wake])));
        let look_ups = LookUps::start(store.clone(), metrics.clone());
        tokio::spawn(Presence::tell(Arc::downgrade(&presence), look_ups.clone()));
        let sweep = Sweep::start(feeds.clone(), bus.health(), shared);
        if let Some(events) = bus.events() {
            tokio::spawn(announcer.clone().listen(events, sweep, instances.living()));
        }
        tokio::spawn(announcer.clone().beat());
        tokio::spawn(timekeeper::keep(Arc::downgrade(&clock), store.clone(), metrics.clone()));
        tokio::spawn(People::keep_seen(Arc::downgrade(&people), clock.clone(), store.clone()));
        let hash_key = store.identity().hash_key.clone();
        let known_to_all = instances.known_to_all();
        let underway = Underway::default();
        let marks = MarkKeeper::start(store.clone(), metrics.clone(), marks::teller(announcer.clone()));
        tokio::spawn(known_to_all.clone().tell(Arc::downgrade(&people), metrics.clone()));
        Self {
            look_ups,
            presence,
            infos: Infos::start(store.clone()),
            purging: Purging::start(store.clone(), announcer.clone(), underway.clone()),
            admission: Admission::new(Post::start(&store, &announcer, &metrics, &known_to_all, &underway), hash_key),
            underway,
            store,
            metrics,
            clock,
            people,
            activity,
            online,
            typing,
            marks,
            streams,
            intake,
            spent,
            revoked,
            page_turns,
            feeds,
            announcer,
            bus,
            instances,
            known_to_all,
            quota: RwLock::default(),
            accounts: Arc::default(),
        }
    }

    /// A chat in a file, without others: for tests of what is above.
    #[cfg(test)]
    pub(crate) fn alone(file: &std::path::Path) -> Self {
        let store = crate::store::sqlite::SqliteStore::open(file).expect("a file");
        Self::start(Arc::new(store), Arc::new(crate::bus::local::LocalBus::alone()), Arc::default(), false)
    }

    /// An entry is written to a socket that has waited for it: now and then, how long after the store took it.
    pub fn measure(&self, item: Option<&Arc<Item>>) {
        measure(&self.metrics, &self.clock, item);
    }

    /// What a connection that others may write to belongs to.
    pub fn shards(&self) -> &Shards {
        &self.feeds.shards
    }

    /// What is counted, what the bus counts included, as Prometheus reads it.
    pub fn metrics_text(&self) -> String {
        if let Some(bus) = self.bus.counters() {
            self.metrics.take_bus([&bus.published, &bus.dropped, &bus.heard, &bus.redials]);
        }
        self.metrics.text()
    }

    /// What is allowed now.
    pub fn quota(&self) -> Quota {
        *self.quota.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allows this from now on.
    pub fn set_quota(&self, quota: Quota) {
        *self.quota.write().unwrap_or_else(PoisonError::into_inner) = quota;
    }

    /// Why wakes do not travel, where something is known of it.
    pub fn bus_trouble(&self) -> Option<String> {
        self.bus.counters().and_then(|counters| counters.trouble())
    }

    /// Whether wakes travel.
    pub fn bus_health(&self) -> watch::Receiver<Health> {
        self.bus.health()
    }

    /// Writes an entry: queued when this returns, in the order of the calls. Somebody who is not known to read the room (`vetted`)
    /// is looked at first, so that strangers lock no row of it.
    pub fn write(
        &self,
        source: &Source,
        from: &UserId,
        right: Right,
        writing: Writing,
        vetted: bool,
    ) -> Result<Submitted, ChatError> {
        let Writing { room, key, what, first } = writing;
        let step = (!vetted).then(|| self.vetting(from.clone(), room.clone(), key.clone()));
        let proposal = Proposal { before: first, ..Proposal::new(room, from.clone(), key, what, right) };
        match step {
            Some(step) => self.admission.submit_after(source, proposal, step),
            None => self.admission.submit(source, proposal),
        }
    }

    /// Whether an entry may go on to its room's row. Who may not read the room any more still hears of what is there by its key.
    fn vetting(&self, user: UserId, room: RoomId, key: Option<Key>) -> AdmissionStep {
        let (look_ups, store) = (self.look_ups.clone(), self.store.clone());
        Box::pin(async move {
            let view = look_ups.ask(room.clone(), user.clone()).await?;
            let Err(refusal) = view.ok_or(Refusal::UnknownRoom).and_then(|view| view.may_read()) else { return Ok(()) };
            match key {
                Some(key) if store.has_key(&room, &user, &key).await? => Ok(()),
                _ => Err(refusal.into()),
            }
        })
    }

    /// What was blanked a moment ago, for whoever holds entries for a while.
    pub fn blanks(&self) -> &live::blanks::Blanks {
        &self.feeds.blanks
    }

    /// Keeps what a token says about its user, some time soon; what is not kept comes with the next token.
    pub fn remember(&self, user: &UserId, info: Json) -> impl Future<Output = ()> + Send + use<> {
        self.infos.keep(user.clone(), info)
    }

    /// Hands commands to the connection they belong to. `node` names, by the client's word, the instance that has its stream.
    /// If that is another, the commands go there over the bus, as long as the bus is up, and its receipt is waited for.
    pub async fn hand_over(&self, stream: StreamId, node: &str, nonce: u64, received: Received) -> Handed {
        if self.streams.has(stream) {
            return self.streams.hand_over(stream, nonce, received);
        }
        match Node::parse(node) {
            Some(node) if node.life != self.announcer.boot() && *self.bus.health().borrow() == Health::Up => {
                self.pass_on(stream, node, nonce, received).await
            }
            _ => Handed::NotHere,
        }
    }

    async fn pass_on(&self, stream: StreamId, node: Node, nonce: u64, received: Received) -> Handed {
        let by = Instant::now() + limits::RECEIPT_WITHIN;
        let Some(wait) = self.streams.book(stream, received.frame.len(), Instant::now()) else {
            return self.lose(stream);
        };
        tokio::time::sleep(wait).await;
        self.metrics.commands_forwarded.inc();
        let receipt = node.gives_receipts.then(|| WantsReceipt { from: self.announcer.boot(), owner: node.life });
        let wake = [Wake::Commands(PassedOn { stream, nonce, frame: received.frame.clone(), receipt })];
        if receipt.is_none() {
            self.announcer.announce(&wake);
            return Handed::Over;
        }
        let mut expected = self.streams.expect(nonce);
        loop {
            // The wake may be lost. Its stream takes it once, however often it comes.
            self.announcer.announce(&wake);
            let again = (Instant::now() + limits::RECEIPT_AGAIN).min(by);
            match tokio::time::timeout_at(again.into(), &mut expected.became).await {
                Ok(Ok(Became::Taken | Became::Gone)) => return Handed::Over,
                Ok(Ok(Became::Refused)) => return Handed::Lost,
                Err(_) if Instant::now() < by => {}
                Ok(Err(_)) | Err(_) => return self.lose(stream),
            }
        }
    }

    /// Commands of this stream may have been lost: it ends, wherever it is.
    fn lose(&self, stream: StreamId) -> Handed {
        self.metrics.commands_lost.inc();
        self.announcer.announce(&[Wake::EndStream(stream)]);
        Handed::Lost
    }

    /// Where a stream is that is opened here.
    pub fn node(&self) -> String {
        Node::here(self.announcer.boot()).to_string()
    }

    /// This instance ends: nobody asks for anything any more. It keeps when people were last seen, finishes what is under way,
    /// tells the others, and gives its lease up. Where something is not finished, or requests are not (`is_quiet`), it says nothing: others take that for a death, and
    /// tell their clients that something may have been missed.
    pub async fn end(&self, patience: Duration, is_quiet: bool) {
        let seen = self.people.write_seen(self.people.all(), &self.clock, &*self.store);
        if tokio::time::timeout(patience, seen).await.is_err() {
            tracing::warn!("it could not be kept when people were last seen");
        }
        let finished = async {
            // Twice: what has just left a queue is begun a moment later.
            let mut times = 0;
            while times < 2 {
                let is_idle = self.underway.is_none() && self.admission.is_idle() && self.marks.is_idle();
                times = if is_idle { times + 1 } else { 0 };
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(patience, finished).await.is_ok() && is_quiet {
            self.announcer.end();
        } else {
            tracing::warn!(
                "something was still being written at the end: who has no answer sends it again; other instances, if there are any, take this for a crash"
            );
        }
        self.instances.end().await;
    }

    /// Names this life of this instance, and no other.
    pub fn life(&self) -> &str {
        self.announcer.life()
    }
}
