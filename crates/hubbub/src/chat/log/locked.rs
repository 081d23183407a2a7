//! Says in the log which rooms' sends are refused because they stay locked, and when that is over.

use hubbub_core::{
    limits::{LOCK_TIMEOUT, SUMMARY_AFTER},
    log::{
        entry::Draft,
        locked::{LockedRooms, Said, State},
    },
    model::ids::RoomId,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Locked {
    /// There may be some.
    any: AtomicBool,
    rooms: Mutex<LockedRooms>,
}

impl Locked {
    fn rooms(&self) -> MutexGuard<'_, LockedRooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many sends to this room were refused.
    pub fn refused(self: &Arc<Self>, room: &RoomId, sends: usize) {
        let now = Instant::now();
        let since = now.checked_sub(LOCK_TIMEOUT).unwrap_or(now);
        self.rooms().refused(room, sends, since, now);
        if !self.any.swap(true, Ordering::AcqRel) {
            tokio::spawn(self.clone().say());
        }
    }

    /// These were taken.
    pub fn taken(&self, drafts: &[Draft]) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let (mut rooms, now) = (self.rooms(), Instant::now());
        drafts.iter().for_each(|draft| rooms.taken(&draft.room, now));
    }

    async fn say(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SUMMARY_AFTER).await;
            let mut rooms = self.rooms();
            let lines = rooms.tick(Instant::now());
            // Under the lock: whoever comes next begins again.
            let is_over = rooms.is_empty();
            if is_over {
                self.any.store(false, Ordering::Release);
            }
            drop(rooms);
            lines.iter().for_each(write);
            if is_over {
                return;
            }
        }
    }
}

fn write(said: &Said) {
    let Said { state, rooms, longest: (room, lasted), refused } = said;
    match state {
        State::Locked => {
            tracing::warn!(rooms, longest = %room, locked = ?lasted, refused, "sends are refused: rooms stay locked by somebody else's transaction");
        }
        State::Free => {
            tracing::info!(rooms, longest = %room, locked = ?lasted, refused, "rooms are locked no more: their sends are taken again");
        }
        State::Quiet => {
            tracing::info!(rooms, longest = %room, locked = ?lasted, refused, "nobody has sent to locked rooms for a while: whether they are still locked is not known");
        }
    }
}
