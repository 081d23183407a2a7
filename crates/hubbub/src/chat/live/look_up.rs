//! Look-ups of all connections, grouped like commits: whatever is waiting is answered by one query.

use crate::{
    chat::ChatError,
    log::Summary,
    metrics::Metrics,
    store::{Store, StoreError, View},
};
use hubbub_core::{
    limits,
    model::ids::{RoomId, UserId},
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Look-ups that failed.
static FAILED: Summary = Summary::new("look-ups failed");

struct Question {
    ask: (RoomId, UserId),
    answer: oneshot::Sender<Result<Option<View>, ChatError>>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct LookUps {
    queue: mpsc::Sender<Question>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ask.fmt(f)
    }
}

impl LookUps {
    /// Starts answering. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        let (queue, questions) = mpsc::channel(limits::LOOK_UP_QUEUE);
        tokio::spawn(answer(questions, store, metrics));
        Self { queue }
    }

    /// The room and how `user` stands to it, from one snapshot taken after this call.
    pub async fn ask(&self, room: RoomId, user: UserId) -> Result<Option<View>, ChatError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Question { ask: (room, user), answer }).map_err(|_| ChatError::Busy)?;
        answered.await.unwrap_or(Err(ChatError::Unavailable))
    }
}

async fn answer(mut questions: mpsc::Receiver<Question>, store: Arc<dyn Store>, metrics: Arc<Metrics>) {
    let mut batch = Vec::new();
    let mut last = 0;
    while questions.recv_many(&mut batch, limits::LOOK_UPS).await > 0 {
        if last >= limits::LOOK_UPS_TOGETHER && batch.len() < limits::LOOK_UPS {
            // Many are coming at once, and each query costs the others something.
            tokio::time::sleep(limits::LOOK_UPS_WAIT).await;
            while batch.len() < limits::LOOK_UPS
                && let Ok(question) = questions.try_recv()
            {
                batch.push(question);
            }
        }
        last = batch.len();
        let (asks, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|q| (q.ask, q.answer)).unzip();
        metrics.look_up_queries.inc();
        metrics.look_ups.inc_by(asks.len() as u64);
        match store.look_up(&asks).await {
            Ok(views) => {
                for (answer, view) in answers.into_iter().zip(views) {
                    // Whoever asked may have gone.
                    let _ = answer.send(Ok(view));
                }
            }
            Err(error) => {
                FAILED.note(|| format!("{error}, {} asked", asks.len()));
                for answer in answers {
                    let _ = answer.send(Err(StoreError::Unavailable(String::new()).into()));
                }
            }
        }
    }
}
