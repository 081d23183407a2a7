//! What tokens say about their users, kept in groups and in passing: nobody waits for it.

use crate::store::Store;
use hubbub_core::{
    limits,
    model::{ids::UserId, json::Json},
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::mpsc;

/// See the module.
#[derive(Debug, Clone)]
pub struct Infos {
    queue: mpsc::Sender<(UserId, Json)>,
}

impl Infos {
    /// Starts keeping. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (queue, mut waiting) = mpsc::channel(limits::INFO_QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, limits::INFOS).await > 0 {
                // The last of a user holds.
                let last: HashMap<UserId, Json> = batch.drain(..).collect();
                let users: Vec<_> = last.into_iter().collect();
                if let Err(error) = store.put_users(&users).await {
                    tracing::warn!(%error, users = users.len(), "what tokens say about users was not kept");
                }
            }
        });
        Self { queue }
    }

    /// Keeps this, unless too much waits already.
    pub fn keep(&self, user: UserId, info: Json) {
        if self.queue.try_send((user, info)).is_err() {
            tracing::debug!("too many infos wait; one comes with its next token");
        }
    }
}
