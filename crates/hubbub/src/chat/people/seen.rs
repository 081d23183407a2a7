//! When people were last seen, to the minute: written together, some time soon.

use super::People;
use crate::{clock::Clock, log::Summary, store::Store};
use hubbub_core::{
    limits,
    model::{ids::UserId, time::Timestamp},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

/// How often it is written who has come and gone.
const WRITTEN_EVERY: Duration = Duration::from_secs(2);

const MINUTE: i64 = 60_000;

static FAILED: Summary = Summary::new("it could not be kept when people were last seen");

/// Who has come or gone, and is to be written.
#[derive(Debug, Default)]
pub struct Lately(Mutex<HashSet<UserId>>);

impl Lately {
    fn users(&self) -> MutexGuard<'_, HashSet<UserId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user has come or gone.
    pub fn note(&self, user: &UserId) {
        self.users().insert(user.clone());
    }
}

impl People {
    /// Keeps when people were last seen, until they are dropped. What is not kept comes with the next time they are seen.
    pub async fn keep_seen(people: Weak<Self>, clock: Arc<Clock>, store: Arc<dyn Store>) {
        let mut all_at = Instant::now();
        loop {
            tokio::time::sleep(WRITTEN_EVERY).await;
            let Some(people) = people.upgrade() else { return };
            let mut here = Vec::new();
            if all_at.elapsed() >= limits::SEEN_EVERY {
                all_at = Instant::now();
                here = people.all();
            }
            people.write_seen(here, &clock, &*store).await;
        }
    }

    /// Keeps that these were seen now, and whoever has come or gone.
    pub async fn write_seen(&self, here: Vec<UserId>, clock: &Clock, store: &dyn Store) {
        let mut users = std::mem::take(&mut *self.seen.users());
        users.extend(here);
        let mut users: Vec<UserId> = users.into_iter().collect();
        // In one order everywhere: two instances never wait for one another.
        users.sort_unstable();
        let at = Timestamp(clock.timestamp().0 / MINUTE * MINUTE);
        for some in users.chunks(limits::SEEN_AT_ONCE) {
            if let Err(error) = store.see(some, at).await {
                FAILED.note(|| error.to_string());
            }
        }
    }
}
