//! Read-only connections; each read sees one snapshot.

use super::{super::StoreError, file::DatabaseFile};
use hubbub_core::limits::STORE_PATIENCE;
use rusqlite::{Connection, OpenFlags};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Reads that run side by side.
const READERS: usize = 4;

#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// Behind the connections: its locks are the last to go.
    file: Arc<DatabaseFile>,
}

impl Readers {
    pub fn new(file: Arc<DatabaseFile>) -> Self {
        Self { idle: Arc::default(), permits: Semaphore::new(READERS).into(), file }
    }

    /// Runs `job` in a snapshot.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.clone();
        let done = async move {
            let closed = |_| StoreError::Unavailable("closed".into());
            let permit = readers.permits.clone().acquire_owned().await.map_err(closed)?;
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                readers.snapshot(job)
            })
            .await
            .map_err(|e| StoreError::Broken(e.to_string()))?
        };
        tokio::time::timeout(STORE_PATIENCE, done)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a read did not end in time".into())))
    }

    fn snapshot<T>(&self, job: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.file.check()?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(self.file.path(), flags)?;
                connection.busy_timeout(hubbub_core::limits::LOCK_TIMEOUT)?;
                connection.set_prepared_statement_cache_capacity(64);
                connection.pragma_update(None, "temp_store", "memory")?;
                connection
            }
        };
        let transaction = connection.transaction()?;
        let done = job(&transaction)?;
        transaction.commit()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(done)
    }
}
