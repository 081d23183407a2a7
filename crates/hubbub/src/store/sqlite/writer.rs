//! The one thread that writes.

use super::super::StoreError;
use hubbub_core::{limits::STORE_PATIENCE, model::time::Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{fs::File, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&mut Connection, Timestamp) + Send>;

/// Jobs waiting for the writer; whoever comes then waits for room.
const JOBS: usize = 64;

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes the connection, and the lock that is to be held as long as it is open.
    pub fn start(mut connection: Connection, lock: File) -> Result<Self, StoreError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(JOBS);
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
                drop(lock);
            })
            .map_err(|e| StoreError::Unavailable(format!("the writer's thread: {e}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `job` in a transaction and commits it, unless it fails. It runs to its end even when nobody waits any more.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable("the writer's thread has ended".into());
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection, at| {
            // An error: the caller has stopped waiting.
            let _ = answer.send(transact(connection, |transaction| job(transaction, at)));
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
    job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = job(&transaction)?;
    transaction.commit()?;
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
