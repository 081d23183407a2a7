//! What a chat does: knows rooms, logs, readers and people; knows no transport and no JSON.
//!
//! The way of a message: [`post`] → the store → [`wakes`] → [`feeds`] → [`subscription`].

use crate::{
    bus::{Bus, Health},
    metrics::Metrics,
    store::{Store, StoreError},
};
use hubbub_core::{
    access::Refusal,
    entry::{Draft, Outcome, Place, Right, What},
    ids::{Key, RoomId, UserId},
    json::Json,
    limits,
    protocol::rpc::Send,
    seq::Seq,
    wake::Wake,
};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

pub mod post;

pub mod wakes;

pub mod feeds;
mod heads;
mod mend;
pub mod pages;
pub mod subscription;

pub mod inbox;
pub mod infos;
pub mod instances;
pub mod look_up;
pub mod people;
pub mod rooms;
pub mod sweep;

use infos::Infos;
use instances::Instances;
use look_up::LookUps;
use people::People;
use post::{Post, Source};
use sweep::Sweep;
use wakes::Announcer;

/// Why a chat did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// A rule of the room.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The key was used for something else.
    #[error("this key belongs to message {id} (seq {seq}) with another body")]
    Conflict {
        /// The first message with the key.
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
                tracing::error!(why, "the store answered something unexpected");
                Self::Unavailable
            }
        }
    }
}

/// One instance's chat.
pub struct Chat {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who is connected here.
    pub people: Arc<People>,
    /// Pages that may be read at a time, for readers and requests together.
    pub page_turns: Arc<Semaphore>,
    feeds: Arc<feeds::Feeds>,
    look_ups: LookUps,
    infos: Infos,
    post: Post,
    announcer: Arc<Announcer>,
    bus: Arc<dyn Bus>,
    /// Which instances live.
    pub instances: Instances,
}

impl Chat {
    /// Starts a chat on a store and a bus. `shared` says that other instances may write to the store.
    pub fn start(store: Arc<dyn Store>, bus: Arc<dyn Bus>, metrics: Arc<Metrics>, shared: bool) -> Self {
        let page_turns = Arc::new(Semaphore::new(limits::PAGE_READS));
        let feeds = Arc::new(feeds::Feeds::new(store.clone(), metrics.clone(), page_turns.clone()));
        let people = Arc::new(People::default());
        let boot = Uuid::new_v4();
        let instances = Instances::start(boot, store.clone(), bus.health(), shared);
        let announcer = Arc::new(Announcer::new(boot, feeds.clone(), people.clone(), bus.clone()));
        let sweep = Sweep::start(feeds.clone(), bus.health(), shared);
        if let Some(events) = bus.events() {
            tokio::spawn(announcer.clone().listen(events, sweep, instances.living(), metrics.clone()));
        }
        tokio::spawn(announcer.clone().beat());
        Self {
            look_ups: LookUps::start(store.clone(), metrics.clone()),
            infos: Infos::start(store.clone()),
            post: Post::start(&store, &announcer, &metrics),
            store,
            metrics,
            people,
            page_turns,
            feeds,
            announcer,
            bus,
            instances,
        }
    }

    /// What is counted, what the bus counts included, as Prometheus reads it.
    pub fn metrics_text(&self) -> String {
        if let Some(bus) = self.bus.counters() {
            self.metrics.take_bus([&bus.published, &bus.dropped, &bus.heard, &bus.redials]);
        }
        self.metrics.text()
    }

    /// Whether wakes travel.
    pub fn bus_health(&self) -> watch::Receiver<Health> {
        self.bus.health()
    }

    /// A draft of something `from` does. Without a key one is made.
    pub fn draft(&self, room: &RoomId, from: &UserId, key: Option<Key>, what: What, right: Right) -> Draft {
        let id = Uuid::now_v7();
        Draft {
            room: room.clone(),
            id,
            from: from.clone(),
            key: key.unwrap_or_else(|| made_key(id)),
            hash: self.store.identity().hash_key.hash(&what),
            what,
            right,
        }
    }

    /// Sends a message: queued when this returns, in the order of the calls; committed when the future is done.
    pub fn send(
        &self,
        source: Source,
        from: &UserId,
        send: Send,
    ) -> Result<impl Future<Output = Result<Place, ChatError>> + std::marker::Send + use<>, ChatError> {
        let draft = self.draft(&send.room, from, send.key, What::Message(send.message), Right::Own);
        let submitted = self.post.submit(source, draft)?;
        Ok(async move {
            match submitted.await.unwrap_or(Err(ChatError::Unavailable))? {
                Outcome::Appended(place) | Outcome::Known(place) => Ok(place),
                Outcome::Conflict { id, seq } => Err(ChatError::Conflict { id, seq }),
                Outcome::Refused(refusal) => Err(refusal.into()),
                // A message always changes something.
                Outcome::Unchanged => Err(ChatError::Unavailable),
            }
        })
    }

    /// Keeps what a token says about its user, some time soon; what is not kept comes with the next token.
    pub fn remember(&self, user: &UserId, info: Json) {
        self.infos.keep(user.clone(), info);
    }

    /// Tells all devices of a user, on every instance, whoever is connected now.
    pub fn notify(&self, user: &UserId, event: &Json) {
        self.announcer.announce(&[Wake::Notify { user: user.clone(), event: event.as_str().to_owned() }]);
    }

    /// Closes all connections of a user, on every instance.
    pub fn log_out(&self, user: &UserId) {
        self.announcer.announce(&[Wake::Disconnect { user: user.clone() }]);
    }
}

#[expect(clippy::expect_used, reason = "a UUID is a key by its alphabet and length")]
fn made_key(id: Uuid) -> Key {
    Key::parse(&id.to_string()).expect("a UUID is a key")
}
