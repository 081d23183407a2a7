//! Who is connected, on whichever instance: asked when somebody wants to know, and when they were last seen.

use super::People;
use crate::{
    bus::Health,
    chat::{Chat, ChatError, instances::Living},
};
use hubbub_core::{
    limits,
    live::{
        online::{AreOnline, OnlineAnswers, WhoIsOnline},
        wake::Wake,
    },
    log::features::Feature,
    model::{ids::UserId, time::Timestamp},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    time::timeout,
};
use uuid::Uuid;

/// Requests that wait for their turn to ask the other instances.
const WAITING: usize = 4_096;

/// Questions on their way at the same time: one that somebody does not answer takes its second.
const TURNS: usize = 8;

/// See the module.
pub struct Online {
    boot: Uuid,
    people: Arc<People>,
    living: watch::Receiver<Living>,
    asks: Mutex<HashMap<Uuid, Ask>>,
    queue: mpsc::Sender<Request>,
}

/// A question on its way.
struct Ask {
    answers: OnlineAnswers,
    changed: Arc<Notify>,
}

/// Somebody wants to know who of these is with other instances.
pub struct Request {
    users: Vec<UserId>,
    answer: oneshot::Sender<Arc<BTreeSet<UserId>>>,
}

/// A user, as another sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// Whether they are connected.
    pub online: bool,
    /// When they last were, to the minute, where that is known and shown.
    pub last_seen: Option<Timestamp>,
}

impl Online {
    /// Asks nobody, yet. What is asked is to be served by [`Online::serve`].
    pub fn new(
        boot: Uuid,
        people: Arc<People>,
        living: watch::Receiver<Living>,
    ) -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (queue, requests) = mpsc::channel(WAITING);
        (Arc::new(Self { boot, people, living, asks: Mutex::default(), queue }), requests)
    }

    fn asks(&self) -> MutexGuard<'_, HashMap<Uuid, Ask>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another instance asks.
    pub fn hear(&self, question: &WhoIsOnline) -> Option<Wake> {
        let WhoIsOnline { ask, from, users } = question;
        (*from != self.boot).then(|| {
            let users = users.iter().filter(|user| self.people.has(user)).cloned().collect();
            Wake::AreOnline(AreOnline { ask: *ask, from: self.boot, users })
        })
    }

    /// Another instance has answered.
    pub fn take(&self, answer: &AreOnline) {
        if let Some(ask) = self.asks().get_mut(&answer.ask) {
            ask.answers.take(answer);
            ask.changed.notify_one();
        }
    }

    /// Those that can say so.
    fn others(&self) -> Vec<Uuid> {
        self.living.borrow().others_with(Feature::Online).collect()
    }

    /// Asks for all that wait, with `say`, as long as anybody may ask: requests that wait at the same time share a question.
    /// One that is waited for holds up no other.
    pub async fn serve(
        online: Arc<Self>,
        mut requests: mpsc::Receiver<Request>,
        say: impl Fn(Wake) + Clone + Send + Sync + 'static,
    ) {
        let turns = Arc::new(Semaphore::new(TURNS));
        while let Ok(turn) = turns.clone().acquire_owned().await {
            let Some(first) = requests.recv().await else { return };
            let (mut next, mut batch, mut users) = (Some(first), Vec::new(), BTreeSet::new());
            while let Some(request) = next.take() {
                // Whoever asked may have gone.
                if !request.answer.is_closed() {
                    users.extend(request.users.iter().cloned());
                    batch.push(request);
                }
                if users.len() + limits::ONLINE_USERS <= limits::ONLINE_TOGETHER {
                    next = requests.try_recv().ok();
                }
            }
            if batch.is_empty() {
                continue;
            }
            let (online, say) = (online.clone(), say.clone());
            tokio::spawn(async move {
                let found = Arc::new(online.ask(users.into_iter().collect(), &say).await);
                for request in batch {
                    let _ = request.answer.send(found.clone());
                }
                drop(turn);
            });
            if requests.is_empty() {
                tokio::time::sleep(limits::PRESENCE_EVERY).await;
            }
        }
    }

    /// Asks all others, and waits until each has answered or [`limits::PRESENCE_WITHIN`] is over.
    async fn ask(&self, users: Vec<UserId>, say: &(impl Fn(Wake) + Sync)) -> BTreeSet<UserId> {
        let others = self.others();
        let (ask, changed) = (Uuid::new_v4(), Arc::new(Notify::new()));
        self.asks().insert(ask, Ask { answers: OnlineAnswers::default(), changed: changed.clone() });
        say(Wake::WhoIsOnline(WhoIsOnline { ask, from: self.boot, users }));
        let all = async {
            while self.asks().get(&ask).is_some_and(|ask| !ask.answers.has_all(others.iter())) {
                changed.notified().await;
            }
        };
        if timeout(limits::PRESENCE_WITHIN, all).await.is_err() {
            tracing::debug!("an instance whose lease lives did not say who is connected to it");
        }
        self.asks().remove(&ask).map(|ask| ask.answers.users).unwrap_or_default()
    }
}

impl Chat {
    /// Which of these users are connected, on all instances that live and can be heard, and when they were seen last; in the order
    /// in which they are named.
    ///
    /// # Errors
    /// Where neither the store answers nor, with several instances, the bus.
    pub async fn who_is_online(&self, users: Vec<UserId>) -> Result<Vec<Seen>, ChatError> {
        let mut elsewhere = Arc::default();
        let unknown: Vec<UserId> = users.iter().filter(|user| !self.people.has(user)).cloned().collect();
        if !unknown.is_empty() && !self.online.others().is_empty() {
            if *self.bus.health().borrow() != Health::Up {
                return Err(ChatError::Unavailable);
            }
            let (answer, answered) = oneshot::channel();
            self.online.queue.try_send(Request { users: unknown, answer }).map_err(|_| ChatError::Busy)?;
            elsewhere = answered.await.map_err(|_| ChatError::Unavailable)?;
        }
        let last: HashMap<UserId, Timestamp> = self.store.last_seen(&users).await?.into_iter().collect();
        let seen = |user: UserId| {
            let online = self.people.has(&user) || elsewhere.contains(&user);
            let last_seen = last.get(&user).copied();
            Seen { user, online, last_seen }
        };
        Ok(users.into_iter().map(seen).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lease;
    use futures_util::FutureExt;
    use hubbub_core::log::features::Features;
    use std::time::Instant;

    #[tokio::test]
    async fn who_cannot_say_it_is_not_waited_for() {
        let [own, older, silent, newer] = [1, 2, 3, 4].map(Uuid::from_u128);
        let ben = UserId::parse("ben").unwrap();
        let lease = |(boot, knows)| (boot, Lease { boot, bus: true, knows });
        let before = Features::all().without(Feature::Online.into());
        let answers = |boots: &[(Uuid, Features)]| {
            let boots = boots.iter().copied().map(lease).collect();
            let (_, living) = watch::channel(Living::of(boots, Some(Instant::now()), own));
            let (online, _) = Online::new(own, Arc::default(), living);
            let say = |wake: Wake| {
                let Wake::WhoIsOnline(WhoIsOnline { ask, users, .. }) = wake else { panic!("{wake:?}") };
                online.take(&AreOnline { ask, from: newer, users });
            };
            online.ask(vec![ben.clone()], &say).now_or_never()
        };
        let all = Features::all();
        let found = Some(BTreeSet::from([ben.clone()]));
        assert_eq!(answers(&[(own, all), (newer, all)]), found);
        assert_eq!(answers(&[(own, all), (older, before), (newer, all)]), found);
        assert_eq!(answers(&[(own, all), (older, Features::NONE), (newer, all)]), found);
        assert_eq!(answers(&[(own, all), (silent, all), (newer, all)]), None, "it may have somebody");
    }
}
