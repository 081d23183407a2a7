//! Joins and leaves, told to those who asked for them: what changed between one list and the next.

use super::Presence;
use crate::chat::live::{look_up::LookUps, readers::Watcher};
use hubbub_core::{
    limits,
    live::presence::{Changes, PresencePart, Watch},
    model::ids::RoomId,
    wire::push::Joins,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, MutexGuard, PoisonError, Weak},
};
use tokio::time::{self, MissedTickBehavior};

impl Presence {
    fn watched(&self) -> MutexGuard<'_, BTreeSet<RoomId>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody here wants to be told who comes and goes, until the last such reader of the room has gone.
    pub fn watch(&self, room: &RoomId) {
        self.watched().insert(room.clone());
    }

    /// Tells joins and leaves, until the presence is dropped.
    pub async fn tell(presence: Weak<Self>, look_ups: LookUps) {
        let mut turns = time::interval(limits::JOINS_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watches: BTreeMap<RoomId, Watch> = BTreeMap::new();
        let mut after: Option<RoomId> = None;
        loop {
            turns.tick().await;
            let Some(presence) = presence.upgrade() else { return };
            let rooms = presence.next_rooms(&mut after);
            watches.retain(|room, _| presence.watched().contains(room));
            if !rooms.is_empty() {
                presence.turn(&rooms, &mut watches, &look_ups).await;
            }
        }
    }

    /// The rooms whose turn it is: the next [`limits::PRESENCE_ROOMS`] of those that still have somebody to be told.
    fn next_rooms(&self, after: &mut Option<RoomId>) -> Vec<RoomId> {
        let mut watched = self.watched();
        watched.retain(|room| !self.feeds.watchers(room).is_empty());
        let beyond = |room: &&RoomId| after.as_ref().is_none_or(|after| *room > after);
        let mut rooms: Vec<RoomId> = watched.iter().filter(beyond).take(limits::PRESENCE_ROOMS).cloned().collect();
        let rest = limits::PRESENCE_ROOMS - rooms.len();
        rooms.extend(watched.iter().filter(|room| !beyond(room)).take(rest).cloned());
        *after = rooms.last().cloned();
        rooms
    }

    async fn turn(&self, rooms: &[RoomId], watches: &mut BTreeMap<RoomId, Watch>, look_ups: &LookUps) {
        let living = self.living.borrow().clone();
        let others = self.others();
        // Counts first; names only where a count or a digest has changed.
        let counted = self.ask(rooms, false).await;
        let mut wanted = Vec::new();
        for room in rooms {
            let watch = watches.entry(room.clone()).or_default();
            let mut wants = false;
            for boot in others.iter().filter(|boot| counted.has(boot)) {
                let part = counted.parts.get(room).and_then(|parts| parts.get(boot)).cloned();
                wants |= watch.hear(*boot, part.unwrap_or_else(nobody));
            }
            if wants {
                wanted.push(room.clone());
            }
        }
        for (room, parts) in self.ask(&wanted, true).await.whole() {
            let Some(watch) = watches.get_mut(&room) else { continue };
            for (boot, part) in parts.into_iter().filter(|(boot, _)| others.contains(boot)) {
                watch.hear(boot, part);
            }
        }
        let lives = |boot: &uuid::Uuid| *boot == self.boot || living.boots.contains_key(boot);
        for room in rooms {
            let Some(watch) = watches.get_mut(room) else { continue };
            watch.hear(self.boot, self.own(room, true).unwrap_or_else(nobody));
            let watchers = self.feeds.watchers(room);
            let own: Vec<_> = watchers.iter().map(|watcher| watcher.present.client).collect();
            let changes = watch.turn(lives, others.len(), &own);
            if !changes.is_empty() {
                self.push(room, changes, watchers, look_ups).await;
            }
        }
    }

    /// Tells those who may still read the room: a removal may have been committed that this instance has not heard of.
    async fn push(&self, room: &RoomId, changes: Changes, watchers: Vec<Watcher>, look_ups: &LookUps) {
        let users: BTreeSet<_> = watchers.iter().map(|watcher| watcher.present.user.clone()).collect();
        let asks = users.into_iter().map(|user| async {
            let view = look_ups.ask(room.clone(), user.clone()).await;
            (user, matches!(view, Ok(Some(view)) if view.may_read().is_ok()))
        });
        let standings: HashMap<_, _> = futures_util::future::join_all(asks).await.into_iter().collect();
        let changes = Arc::new(Joins::new(room.clone(), changes));
        for watcher in watchers {
            if standings.get(&watcher.present.user) == Some(&true) {
                watcher.inbox.joins(watcher.slot, changes.clone());
            }
        }
    }
}

fn nobody() -> PresencePart {
    PresencePart { list: Some(Vec::new()), ..PresencePart::default() }
}
