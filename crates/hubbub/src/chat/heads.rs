//! Heads asked for by feeds that doubt theirs, grouped like look-ups: a change of the epoch makes all of them doubt at once.

use crate::store::{Head, Store, StoreError};
use hubbub_core::{ids::RoomId, limits};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Questions waiting; who asks beyond waits to ask.
const WAITING: usize = limits::SWEEP_CHUNK;

struct Question {
    room: RoomId,
    answer: oneshot::Sender<Option<Head>>,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Heads {
    queue: mpsc::Sender<Question>,
}

impl Heads {
    /// Starts answering. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Question>(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, limits::SWEEP_CHUNK).await > 0 {
                let rooms: Vec<RoomId> = batch.iter().map(|question| question.room.clone()).collect();
                match store.heads(&rooms).await {
                    Ok(heads) => {
                        for (question, head) in batch.drain(..).zip(heads) {
                            // Whoever asked may have gone.
                            let _ = question.answer.send(head);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, asked = rooms.len(), "heads could not be read");
                        batch.clear();
                    }
                }
            }
        });
        Self { queue }
    }

    /// The head of a room, read after this call; `None` where there is no such room.
    pub async fn ask(&self, room: &RoomId) -> Result<Option<Head>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let failed = || StoreError::Unavailable("its head could not be read".into());
        self.queue.send(Question { room: room.clone(), answer }).await.map_err(|_| failed())?;
        answered.await.map_err(|_| failed())
    }
}
