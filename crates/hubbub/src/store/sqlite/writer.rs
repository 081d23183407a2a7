//! The one thread that writes.

use super::{super::StoreError, file::DatabaseFile};
use hubbub_core::{limits::STORE_PATIENCE, model::time::Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{sync::Arc, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&mut Connection, Timestamp) + Send>;

/// Jobs waiting for the writer; whoever comes then waits for room.
const JOBS: usize = 64;

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    file: Arc<DatabaseFile>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes the connection, and the file, whose locks are to be held as long as it is open.
    pub fn start(mut connection: Connection, file: Arc<DatabaseFile>) -> Result<Self, StoreError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(JOBS);
        let held = file.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                // A clock that is set back does not make an entry older than the one before it.
                let mut at = Timestamp::default();
                while let Some(job) = waiting.blocking_recv() {
                    at = at.max(super::now());
                    job(&mut connection, at);
                }
                drop(connection);
                drop(held);
            })
            .map_err(|e| StoreError::Unavailable(format!("the writer's thread: {e}")))?;
        Ok(Self { jobs: Some(jobs), file, thread: Some(thread) })
    }

    /// Runs `job` in a transaction and commits it, unless it fails. It runs to its end even when nobody waits any more.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable("the writer's thread has ended".into());
        let (answer, answered) = oneshot::channel();
        let file = self.file.clone();
        let job: Job = Box::new(move |connection, at| {
            // An error: the caller has stopped waiting.
            let _ = answer.send(transact(connection, &file, |transaction| job(transaction, at)));
        });
        let done = async {
            self.jobs.as_ref().ok_or_else(gone)?.send(job).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        };
        tokio::time::timeout(STORE_PATIENCE, done)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the writer did not answer in time".into())))
    }
}

fn transact<T>(
    connection: &mut Connection,
    file: &DatabaseFile,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    file.check()?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = job(&transaction)?;
    transaction.commit()?;
    // Before anybody is told: what is in a file that is gone is not stored.
    file.check()?;
    Ok(done)
}

impl Drop for Writer {
    /// Waits for what is queued, so that the file is free once the store is gone.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the SQLite writer's thread panicked");
        }
    }
}
