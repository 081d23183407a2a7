//! What deleted rooms have left is cleared away, some at a time, by whichever instance comes first.

use super::{
    log::announcer::Announcer,
    underway::{Piece, Underway},
};
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
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// Between two portions: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// Rooms whose members wait to be told, and rooms whose members were told that are remembered.
const DELETED_WAITING: usize = 1_024;

/// How often it is tried to read members.
const TELL_TRIES: u32 = 10;

static FAILED: Summary = Summary::new("what a deleted room has left could not be cleared away; trying again");

static UNTOLD: Summary = Summary::new("not all members of a deleted room were told");

/// Says that a room was deleted here.
#[derive(Debug, Clone)]
pub(super) struct Purging {
    bell: mpsc::Sender<()>,
    deleted: mpsc::Sender<(RoomId, Piece)>,
    underway: Underway,
}

impl Purging {
    /// Starts clearing away, and telling members. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>, announcer: Arc<Announcer>, underway: Underway) -> Self {
        let (bell, rings) = mpsc::channel(1);
        tokio::spawn(purge(store.clone(), rings));
        let (deleted, rooms) = mpsc::channel(DELETED_WAITING);
        tokio::spawn(tell_members(store, announcer, rooms));
        Self { bell, deleted, underway }
    }

    /// There is something to do: this room was deleted.
    pub fn begin(&self, room: &RoomId) {
        // Full: it is about to look.
        let _ = self.bell.try_send(());
        if self.deleted.try_send((room.clone(), self.underway.begin())).is_err() {
            UNTOLD.note(|| format!("{DELETED_WAITING} rooms wait"));
        }
    }
}

/// Tells whoever was a member of a deleted room and need not follow it: one room after the other, some members at a time, each
/// room once. What is not told in time they learn when they ask.
async fn tell_members(store: Arc<dyn Store>, announcer: Arc<Announcer>, mut rooms: mpsc::Receiver<(RoomId, Piece)>) {
    // A deletion that is asked for again has been told already.
    let mut told = VecDeque::new();
    while let Some((room, _underway)) = rooms.recv().await {
        if told.contains(&room) {
            continue;
        }
        let body = Json::trusted(format!(r#"{{"type":"removed","room":"{room}"}}"#));
        let (mut last, mut failures) = (None, 0);
        loop {
            let some = match store.members_of_deleted(&room, last.as_ref(), MISSED_AT_ONCE).await {
                Ok(some) => some,
                Err(_) if failures < TELL_TRIES => {
                    failures += 1;
                    sleep(PURGE_EVERY).await;
                    continue;
                }
                Err(error) => {
                    UNTOLD.note(|| error);
                    break;
                }
            };
            let wake = |user: &UserId| {
                let audience = Audience::Member(room.clone(), user.clone());
                Wake::Signal(Signal { audience, body: body.clone() })
            };
            announcer.announce(&some.iter().map(wake).collect::<Vec<_>>());
            if some.len() < MISSED_AT_ONCE {
                break;
            }
            last = some.into_iter().next_back();
            sleep(Duration::from_millis(100)).await;
        }
        if told.len() == DELETED_WAITING {
            told.pop_front();
        }
        told.push_back(room);
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
