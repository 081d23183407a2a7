//! Who follows a room on all instances, asked when somebody wants to know: the shell around [`hubbub_core::live::presence`].
//!
//! Nothing is stored and nothing is announced by itself. Two instances' worth of answers cost one wake each way; a room
//! nobody asks about costs nothing.

mod joins;

use super::{
    Chat, ChatError,
    instances::{Instances, Living},
    live::feeds::Feeds,
    log::announcer::Announcer,
};
use hubbub_core::{
    limits,
    live::{
        presence::{Answers, Here, PresencePart, Roll, Who},
        wake::Wake,
    },
    model::ids::{RoomId, UserId},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};
use tokio::sync::{Notify, mpsc, watch};
use uuid::Uuid;

/// Rooms whose last answer is kept for requests that share it.
const ROLLS: usize = 1_024;

/// See the module.
pub struct Presence {
    boot: Uuid,
    feeds: Arc<Feeds>,
    living: watch::Receiver<Living>,
    /// To be notified when somebody is heard whose lease is not known yet.
    stranger: Arc<Notify>,
    /// Questions and answers on their way to the bus.
    outbox: mpsc::Sender<Wake>,
    /// What others ask.
    questions: mpsc::Sender<Who>,
    asks: Mutex<HashMap<Uuid, Ask>>,
    rolls: Mutex<HashMap<RoomId, Arc<tokio::sync::Mutex<Asked>>>>,
    /// Rooms whose joins and leaves somebody here wants to be told.
    watched: Mutex<BTreeSet<RoomId>>,
}

/// A question on its way.
struct Ask {
    answers: Answers,
    changed: Arc<Notify>,
}

/// The last answer about a room.
#[derive(Default)]
struct Asked {
    began: Option<Instant>,
    roll: Roll,
}

/// A question that is taken back when it has been answered, or when nobody waits for it any more.
struct Open<'a>(&'a Presence, Uuid);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.asks().remove(&self.1);
    }
}

impl Presence {
    /// Knows nobody yet. What is to be published comes out of the receiver: see [`Presence::publish`].
    pub fn start(boot: Uuid, feeds: Arc<Feeds>, instances: &Instances) -> (Arc<Self>, mpsc::Receiver<Wake>) {
        let (outbox, outgoing) = mpsc::channel(limits::PRESENCE_QUEUE);
        let (questions, asked) = mpsc::channel(limits::PRESENCE_QUEUE);
        let presence = Self {
            boot,
            feeds,
            living: instances.living(),
            stranger: instances.stranger(),
            outbox,
            questions,
            asks: Mutex::default(),
            rolls: Mutex::default(),
            watched: Mutex::default(),
        };
        let presence = Arc::new(presence);
        tokio::spawn(Self::answer(Arc::downgrade(&presence), asked));
        (presence, outgoing)
    }

    /// Publishes what is asked and answered, until the last handle is dropped.
    pub async fn publish(mut outgoing: mpsc::Receiver<Wake>, announcer: Arc<Announcer>) {
        while let Some(wake) = outgoing.recv().await {
            announcer.publish(&[wake]);
        }
    }

    fn asks(&self) -> MutexGuard<'_, HashMap<Uuid, Ask>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, wake: Wake) {
        if self.outbox.try_send(wake).is_err() {
            tracing::debug!("too many questions about presence at a time; whoever asked goes without this answer");
        }
    }

    /// An instance is heard. One that has just started is asked as soon as its lease is known.
    pub fn meet(&self, boot: &Uuid) {
        if !self.living.borrow().boots.contains_key(boot) {
            self.stranger.notify_one();
        }
    }

    /// Another instance asks. It is answered by a task of its own: whoever takes wakes in does not count people.
    pub fn hear(&self, who: &Who) {
        if who.from != self.boot && self.questions.try_send(who.clone()).is_err() {
            tracing::debug!("too many questions about presence at a time; this one gets no answer");
        }
    }

    /// Answers what others ask, until the last handle is dropped.
    pub async fn answer(presence: Weak<Self>, mut questions: mpsc::Receiver<Who>) {
        while let Some(who) = questions.recv().await {
            let Some(presence) = presence.upgrade() else { return };
            let mut parts = Vec::new();
            for room in who.rooms {
                parts.extend(presence.own(&room, who.listed).map(|part| (room, part)));
                // A room may have ten thousand readers.
                tokio::task::yield_now().await;
            }
            let pieces = Here::pieces(who.ask, presence.boot, parts);
            pieces.into_iter().for_each(|piece| presence.say(Wake::Here(piece)));
        }
    }

    /// Another instance has answered.
    pub fn take(&self, here: &Here) {
        if let Some(ask) = self.asks().get_mut(&here.ask) {
            ask.answers.take(here.clone());
            ask.changed.notify_one();
        }
    }

    fn own(&self, room: &RoomId, listed: bool) -> Option<PresencePart> {
        let present = self.feeds.present(room);
        (!present.is_empty()).then(|| PresencePart::of(&present, listed))
    }

    /// The lives of all other instances.
    fn others(&self) -> Vec<Uuid> {
        self.living.borrow().boots.keys().filter(|boot| **boot != self.boot).copied().collect()
    }

    /// Asks all other instances, and waits until each has answered or [`limits::PRESENCE_WITHIN`] is over.
    async fn ask(&self, rooms: &[RoomId], listed: bool) -> Answers {
        let others = self.others();
        if others.is_empty() || rooms.is_empty() {
            return Answers::default();
        }
        let (ask, changed) = (Uuid::new_v4(), Arc::new(Notify::new()));
        let open = Open(self, ask);
        self.asks().insert(ask, Ask { answers: Answers::default(), changed: changed.clone() });
        self.say(Wake::Who(Who { ask, from: self.boot, rooms: rooms.to_vec(), listed }));
        let all = async {
            while self.asks().get(&ask).is_some_and(|ask| !ask.answers.has_all(others.iter())) {
                changed.notified().await;
            }
        };
        if tokio::time::timeout(limits::PRESENCE_WITHIN, all).await.is_err() {
            tracing::debug!("an instance whose lease lives did not say who follows its rooms");
        }
        let answers = self.asks().remove(&ask).map(|ask| ask.answers).unwrap_or_default();
        drop(open);
        answers
    }

    /// Who follows a room, asked after this call.
    async fn roll(&self, room: &RoomId) -> Roll {
        let called = Instant::now();
        let asked = {
            let mut rolls = self.rolls.lock().unwrap_or_else(PoisonError::into_inner);
            if rolls.len() >= ROLLS {
                rolls.retain(|_, asked| Arc::strong_count(asked) > 1);
            }
            rolls.entry(room.clone()).or_default().clone()
        };
        // Whoever waits here shares what the one before asked, if that began late enough.
        let mut asked = asked.lock().await;
        if let Some(began) = asked.began {
            if began >= called {
                return asked.roll.clone();
            }
            tokio::time::sleep_until((began + limits::PRESENCE_EVERY).into()).await;
        }
        let began = Instant::now();
        let answers = self.ask(std::slice::from_ref(room), true).await.whole();
        let own = self.own(room, true);
        let others = answers.get(room).into_iter().flat_map(HashMap::values);
        *asked = Asked { began: Some(began), roll: Roll::of(others.chain(own.as_ref())) };
        asked.roll.clone()
    }
}

impl Chat {
    /// Who follows a room now, on all instances that live and can be heard. Asking costs one wake each way; it takes up to
    /// [`limits::PRESENCE_WITHIN`] while an instance that has just died still has its lease.
    ///
    /// # Errors
    /// Where the room may not be read, or neither the store answers nor, with several instances, the bus.
    pub async fn presence(&self, user: &UserId, room: &RoomId) -> Result<Roll, ChatError> {
        // Looked at first, so that nobody asks others in vain; and again, so that nobody is told after a removal.
        self.may_read(user, room).await?;
        if !self.presence.others().is_empty() && *self.bus.health().borrow() != crate::bus::Health::Up {
            return Err(ChatError::Unavailable);
        }
        let roll = self.presence.roll(room).await;
        self.may_read(user, room).await?;
        Ok(roll)
    }
}
