//! Heads that single feeds ask for, grouped: after a change of the epoch every room asks at once.

use crate::store::{Head, Store, StoreError};
use hubbub_core::{limits, model::ids::RoomId};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// See the module.
#[derive(Debug)]
pub(crate) struct Heads {
    queue: mpsc::Sender<Question>,
}

#[derive(Debug)]
struct Question {
    room: RoomId,
    answer: oneshot::Sender<Result<Option<Head>, String>>,
}

impl Heads {
    /// Starts answering. Ends when this is dropped.
    pub(crate) fn start(store: Arc<dyn Store>) -> Self {
        let (queue, questions) = mpsc::channel(limits::SWEEP_CHUNK);
        tokio::spawn(answer(questions, store));
        Self { queue }
    }

    /// The head of a room, read after this call; `None` where there is no such room.
    pub(crate) async fn ask(&self, room: RoomId) -> Result<Option<Head>, StoreError> {
        let gone = || StoreError::Unavailable("nobody asks any more".into());
        let (answer, answered) = oneshot::channel();
        self.queue.send(Question { room, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map_err(StoreError::Unavailable)
    }
}

async fn answer(mut questions: mpsc::Receiver<Question>, store: Arc<dyn Store>) {
    let mut batch = Vec::new();
    while questions.recv_many(&mut batch, limits::SWEEP_CHUNK).await > 0 {
        let (rooms, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|question| (question.room, question.answer)).unzip();
        let heads = match store.heads(&rooms).await {
            Ok(heads) => heads.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error.to_string()); rooms.len()],
        };
        for (answer, head) in answers.into_iter().zip(heads) {
            // Whoever asked may have gone.
            let _ = answer.send(head);
        }
    }
}
