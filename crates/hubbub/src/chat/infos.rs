//! What tokens say about their users, kept in groups and in passing.

use crate::store::{Store, StoreError};
use hubbub_core::{
    limits,
    model::{ids::UserId, json::Json, reason::Reason},
};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::{
    sync::{
        mpsc::{self, error::TryRecvError},
        oneshot,
    },
    time::{sleep, timeout},
};

/// See the module.
#[derive(Debug, Clone)]
pub struct Infos {
    queue: mpsc::Sender<Info>,
}

#[derive(Debug)]
struct Info {
    user: UserId,
    info: Json,
    /// Who waits until it is kept; dropped where nobody does.
    kept: oneshot::Sender<()>,
}

impl Infos {
    /// Starts keeping. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (queue, waiting) = mpsc::channel(limits::INFO_QUEUE);
        tokio::spawn(keep(store, waiting));
        Self { queue }
    }

    /// Keeps this, unless too much waits already. The answer may be waited for: it comes once it is kept, or with
    /// [`limits::INFO_WITHIN`].
    pub fn keep(&self, user: UserId, info: Json) -> impl Future<Output = ()> + Send + use<> {
        let (kept, is_kept) = oneshot::channel();
        if self.queue.try_send(Info { user, info, kept }).is_err() {
            tracing::debug!("too many infos wait; one comes with its next token");
        }
        async {
            // Who asked goes on in any case.
            let _ = timeout(limits::INFO_WITHIN, is_kept).await;
        }
    }
}

/// While the store does not answer, the last of each user waits for it.
async fn keep(store: Arc<dyn Store>, mut waiting: mpsc::Receiver<Info>) {
    let mut reason = Reason::new(limits::REASON_EVERY, limits::REASON_EVERY_MAX);
    let (mut last, mut told, mut batch) = (HashMap::<UserId, Json>::new(), Vec::new(), Vec::new());
    loop {
        if last.is_empty() {
            if waiting.recv_many(&mut batch, limits::INFOS).await == 0 {
                return;
            }
        } else {
            sleep(limits::REDIAL_MAX).await;
            while last.len() + batch.len() < limits::INFO_QUEUE {
                match waiting.try_recv() {
                    Ok(info) => batch.push(info),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
        }
        for Info { user, info, kept } in batch.drain(..) {
            // The last of a user holds.
            last.insert(user, info);
            told.push(kept);
        }
        let users: Vec<_> = last.iter().map(|(user, info)| (user.clone(), info.clone())).collect();
        let mut answer = Ok(());
        for some in users.chunks(limits::INFOS) {
            answer = answer.and(store.put_users(some).await);
        }
        if let Err(error) = &answer
            && reason.fails(&error.to_string(), Instant::now())
        {
            tracing::warn!(%error, users = users.len(), "what tokens say about users was not kept");
        }
        // What is refused is refused again: only an answer that has not come is waited for.
        if !matches!(answer, Err(StoreError::Unavailable(_))) {
            last.clear();
            for kept in told.drain(..).filter(|_| answer.is_ok()) {
                let _ = kept.send(());
            }
        }
        if answer.is_ok() {
            reason.works();
        }
        // Nobody waits this long.
        told.retain(|kept: &oneshot::Sender<()>| !kept.is_closed());
    }
}
