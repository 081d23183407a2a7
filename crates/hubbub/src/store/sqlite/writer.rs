//! The one thread that writes.

use super::{super::StoreError, file::DatabaseFile, scrub::Scrubber};
use hubbub_core::{limits::STORE_PATIENCE, model::time::Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{sync::Arc, thread::JoinHandle};
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

/// Says whether something was deleted that is to be nowhere soon.
type Job = Box<dyn FnOnce(&mut Connection, Timestamp) -> bool + Send>;

/// Jobs waiting for the writer; whoever comes then waits for room.
const JOBS: usize = 64;

pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    file: Arc<DatabaseFile>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes the connection, and the file, whose locks are to be held as long as it is open.
    pub fn start(connection: Connection, scrubber: Scrubber, file: Arc<DatabaseFile>) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel::<Job>(JOBS);
        let held = file.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                match tokio::runtime::Builder::new_current_thread().enable_time().build() {
                    Ok(timer) => timer.block_on(work(connection, scrubber, waiting)),
                    Err(error) => tracing::error!(%error, "the SQLite writer has no timer"),
                }
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
        self.write_or_delete(job, |_| false).await
    }

    /// The same; `deleted` says by what it did whether something was deleted that is to be nowhere soon.
    pub async fn write_or_delete<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>, Timestamp) -> Result<T, StoreError> + Send + 'static,
        deleted: fn(&T) -> bool,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable("the writer's thread has ended".into());
        let (answer, answered) = oneshot::channel();
        let file = self.file.clone();
        let job: Job = Box::new(move |connection, at| {
            let done = transact(connection, &file, |transaction| job(transaction, at));
            let deleted = done.as_ref().is_ok_and(deleted);
            // An error: the caller has stopped waiting.
            let _ = answer.send(done);
            deleted
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

/// One job after another. What was deleted is cleared away between them.
async fn work(mut connection: Connection, mut scrubber: Scrubber, mut waiting: mpsc::Receiver<Job>) {
    // A clock that is set back does not make an entry older than the one before it.
    let mut at = Timestamp::default();
    loop {
        let job = match scrubber.due() {
            None => waiting.recv().await,
            Some(due) => match time::timeout_at(due.into(), waiting.recv()).await {
                Ok(job) => job,
                Err(_) => {
                    scrubber.work(&mut connection);
                    continue;
                }
            },
        };
        let Some(job) = job else { break };
        at = at.max(super::now());
        let deleted = job(&mut connection, at);
        scrubber.wrote(&mut connection, deleted);
    }
    scrubber.end(&mut connection);
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
