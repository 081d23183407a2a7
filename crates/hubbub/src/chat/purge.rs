//! What deleted rooms have left is cleared away, some at a time, by whichever instance comes first.

use crate::{log::Summary, store::Store};
use hubbub_core::limits::{DELETED_MEMBERS_FOR, PURGE_EVERY, PURGE_ROWS};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// Between two portions: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

static FAILED: Summary = Summary::new("what a deleted room has left could not be cleared away; trying again");

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
