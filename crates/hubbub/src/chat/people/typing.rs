//! Who types in which room: looked at, told, and kept nowhere.

use crate::chat::{Chat, ChatError};
use hubbub_core::{
    limits,
    live::wake::Wake,
    log::{entry::Entry, kinds::What},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
    people::typing,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{sync::Semaphore, time::timeout};

/// See the module.
#[derive(Debug)]
pub struct Typing {
    told: Mutex<typing::Typing>,
    /// People who are looked at a time: others have the store, too.
    turns: Semaphore,
}

impl Default for Typing {
    fn default() -> Self {
        Self { told: Mutex::default(), turns: Semaphore::new(limits::TYPING_LOOK_UPS) }
    }
}

impl Typing {
    fn told(&self) -> MutexGuard<'_, typing::Typing> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry was written: whoever wrote a message types it no more.
    pub fn hear(&self, entry: &Entry) {
        if matches!(entry.what, What::Message(_)) {
            self.told().end(&entry.room, &entry.from);
        }
    }
}

impl Chat {
    /// Tells the readers of a room that somebody types there, unless that was told a moment ago.
    ///
    /// # Errors
    /// Where they may not write there.
    pub async fn types(&self, user: &UserId, room: &RoomId, thread: Option<Seq>) -> Result<(), ChatError> {
        if !self.typing.told().is_due(room, user, Instant::now()) {
            return Ok(());
        }
        let Ok(_turn) = timeout(limits::TYPING_PATIENCE, self.typing.turns.acquire()).await else { return Ok(()) };
        let (state, person) = self.store.person(room, user).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        typing::may_type(&state, user, person, self.clock.timestamp())?;
        if self.typing.told().tell(room, user, Instant::now()) {
            self.announcer.announce(&[Wake::Signal(typing::signal((room, &state), user, thread, limits::TYPING_FOR))]);
        }
        Ok(())
    }
}
