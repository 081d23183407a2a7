//! Calls of the store that are gathered like commits: whatever is waiting goes into one transaction, and there is no timer.

use crate::{chat::ChatError, log::Summary, store::StoreError};
use hubbub_core::{limits, model::backoff::Backoff};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Calls that were given up.
static GIVEN_UP: Summary = Summary::new("a call of the store was given up");

/// What somebody asks in one go: it stays together, in this order, in one transaction.
struct Parcel<Q, A> {
    asks: Vec<Q>,
    answer: oneshot::Sender<Result<Vec<A>, ChatError>>,
}

/// See the module. Calls must be such that doing one again settles what became of it.
pub struct Gather<Q, A> {
    queue: mpsc::Sender<Parcel<Q, A>>,
}

impl<Q: Send + Sync + 'static, A: Send + 'static> Gather<Q, A> {
    /// Starts answering with `call`, one at a time with at most about `most` asks; at most `waiting` parcels wait. Ends when
    /// this is dropped.
    pub fn start<F>(most: usize, waiting: usize, call: F) -> Self
    where
        F: AsyncCall<Q, A>,
    {
        let (queue, mut parcels) = mpsc::channel::<Parcel<Q, A>>(waiting);
        tokio::spawn(async move {
            let mut left = VecDeque::new();
            loop {
                if left.is_empty() {
                    match parcels.recv().await {
                        Some(parcel) => left.push_back(parcel),
                        None => return,
                    }
                }
                while left.len() < most
                    && let Ok(parcel) = parcels.try_recv()
                {
                    left.push_back(parcel);
                }
                let mut batch = vec![];
                let mut asked = 0;
                while left.front().is_some_and(|parcel| asked == 0 || asked + parcel.asks.len() <= most)
                    && let Some(parcel) = left.pop_front()
                {
                    asked += parcel.asks.len();
                    batch.push(parcel);
                }
                answer(&call, batch).await;
            }
        });
        Self { queue }
    }

    /// Asks, and waits for the answers; one for each.
    ///
    /// # Errors
    /// [`ChatError::Busy`]: too many wait, or something stayed locked. [`ChatError::Unavailable`]: the store does not answer.
    pub async fn ask(&self, asks: Vec<Q>) -> Result<Vec<A>, ChatError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Parcel { asks, answer }).map_err(|_| ChatError::Busy)?;
        // Also behind others that have all the time there is.
        match tokio::time::timeout(limits::REQUEST_PATIENCE, answered).await {
            Ok(answered) => answered.unwrap_or(Err(ChatError::Unavailable)),
            Err(_) => Err(ChatError::Unavailable),
        }
    }
}

/// A call of the store with many asks.
pub trait AsyncCall<Q, A>: Send + Sync + 'static {
    /// Asks.
    fn call(&self, asks: &[Q]) -> impl Future<Output = Result<Vec<A>, StoreError>> + Send;
}

async fn answer<Q: Send + Sync, A>(call: &impl AsyncCall<Q, A>, batch: Vec<Parcel<Q, A>>) {
    let (mut asks, mut sizes, mut answers) = (vec![], vec![], vec![]);
    // Who has been answered already, because it took too long, wants nothing any more.
    for parcel in batch.into_iter().filter(|parcel| !parcel.answer.is_closed()) {
        sizes.push(parcel.asks.len());
        asks.extend(parcel.asks);
        answers.push(parcel.answer);
    }
    if answers.is_empty() {
        return;
    }
    match settled(call, &asks).await {
        Ok(all) => {
            let mut all = all.into_iter();
            for (size, answer) in sizes.into_iter().zip(answers) {
                // Whoever asked may have gone.
                let _ = answer.send(Ok(all.by_ref().take(size).collect()));
            }
        }
        // Somebody holds a room, or something cannot be: only whoever asked about it is told so, the others go on.
        Err(StoreError::Locked | StoreError::Broken(_)) if answers.len() > 1 => {
            let mut rest = asks.as_slice();
            for (size, answer) in sizes.into_iter().zip(answers) {
                let (own, others) = rest.split_at(size);
                rest = others;
                let _ = answer.send(settled(call, own).await.map_err(ChatError::from));
            }
        }
        Err(error) => {
            GIVEN_UP.note(|| format!("{error}, {} asked", asks.len()));
            let error = ChatError::from(error);
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}

/// The call, repeated while its outcome is unknown.
async fn settled<Q: Send + Sync, A>(call: &impl AsyncCall<Q, A>, asks: &[Q]) -> Result<Vec<A>, StoreError> {
    let give_up = Instant::now() + limits::COMMIT_PATIENCE;
    let late = |_| Err(StoreError::Unavailable("the store did not answer in time".into()));
    let mut backoff = Backoff::new(Duration::from_millis(20), limits::REDIAL_MAX);
    loop {
        match tokio::time::timeout_at(give_up.into(), call.call(asks)).await.unwrap_or_else(late) {
            Err(StoreError::Unavailable(why)) => {
                let wait = backoff.next(rand::random());
                if Instant::now() + wait > give_up {
                    return Err(StoreError::Unavailable(why));
                }
                tokio::time::sleep(wait).await;
            }
            Ok(answers) if answers.len() != asks.len() => {
                return Err(StoreError::Broken(format!("{} answers to {} asks", answers.len(), asks.len())));
            }
            settled => return settled,
        }
    }
}
