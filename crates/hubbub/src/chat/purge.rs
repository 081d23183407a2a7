//! What deleted rooms have left is cleared away, some at a time, by whichever instance comes first.

use super::log::announcer::Announcer;
use crate::{log::Summary, store::Store};
use hubbub_core::{
    limits::{DELETED_MEMBERS_FOR, MISSED_AT_ONCE, PURGE_EVERY, PURGE_ROWS},
    live::{
        signal::{Audience, Signal},
        wake::Wake,
    },
    model::{
        ids::{RoomId, UserId},
        json::Json,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// Between two portions: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

static FAILED: Summary = Summary::new("what a deleted room has left could not be cleared away; trying again");

static UNTOLD: Summary = Summary::new("not all members of a deleted room were told");

/// Says that a room was deleted here.
#[derive(Debug, Clone)]
pub(super) struct Purging(mpsc::Sender<()>);

impl Purging {
    /// Starts clearing away. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (bell, rings) = mpsc::channel(1);
        tokio::spawn(purge(store, rings));
        Self(bell)
    }

    /// There is something to do.
    pub fn begin(&self) {
        // Full: it is about to look.
        let _ = self.0.try_send(());
    }
}

/// Tells whoever was a member of a deleted room and need not follow it, some at a time. Where it fails they learn it when they ask.
pub(super) async fn tell_members(store: Arc<dyn Store>, announcer: Arc<Announcer>, room: RoomId) {
    let body = Json::trusted(format!(r#"{{"type":"removed","room":"{room}"}}"#));
    let mut last = None;
    loop {
        let some = match store.members_of_deleted(&room, last.as_ref(), MISSED_AT_ONCE).await {
            Ok(some) => some,
            Err(error) => return UNTOLD.note(|| error),
        };
        let wake = |user: &UserId| Wake::Signal(Signal { audience: Audience::User(user.clone()), body: body.clone() });
        announcer.announce(&some.iter().map(wake).collect::<Vec<_>>());
        if some.len() < MISSED_AT_ONCE {
            return;
        }
        last = some.into_iter().next_back();
        sleep(Duration::from_millis(100)).await;
    }
}

async fn purge(store: Arc<dyn Store>, mut rings: mpsc::Receiver<()>) {
    while !rings.is_closed() {
        match store.purge(PURGE_ROWS, DELETED_MEMBERS_FOR).await {
            Ok(true) => {
                sleep(PAUSE).await;
                continue;
            }
            Ok(false) => {}
            Err(error) => FAILED.note(|| error),
        }
        if let Ok(None) = timeout(PURGE_EVERY, rings.recv()).await {
            return;
        }
    }
}
