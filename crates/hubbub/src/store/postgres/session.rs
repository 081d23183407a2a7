//! One connection: its prepared statements, how its transactions begin, and what its server warned of.

use crate::log::Summary;
use std::{
    collections::HashMap,
    future::poll_fn,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::task::AbortHandle;
use tokio_postgres::{
    AsyncMessage, Client, Connection, Error, Socket, Statement,
    error::{DbError, Severity},
    tls::TlsStream,
};

/// Connections that ended without having been told to.
static ENDED: Summary = Summary::new("a connection to Postgres ended");

/// Warnings of one connection. A COMMIT that a warning comes with may have been kept by less than was asked for: its standby
/// was not waited for to the end, for one.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    count: AtomicU64,
    last: Mutex<String>,
}

impl Warnings {
    /// How many have come. Whatever was told before an answer that has been seen is counted.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// What the last one said.
    pub fn last(&self) -> String {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, notice: &DbError) {
        if !is_warning(notice) {
            return;
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            format!("{} ({})", notice.message(), notice.code().code());
        self.count.fetch_add(1, Ordering::Release);
    }
}

/// By its severity: texts are in the server's language. What has none that is known counts.
fn is_warning(notice: &DbError) -> bool {
    match notice.parsed_severity() {
        Some(severity) => !matches!(severity, Severity::Notice | Severity::Info | Severity::Log | Severity::Debug),
        None => !matches!(notice.severity(), "NOTICE" | "INFO" | "LOG" | "DEBUG"),
    }
}

/// See the module.
pub(crate) struct Session {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
    warnings: Arc<Warnings>,
    driver: AbortHandle,
    /// Whether a pooler puts each transaction on a connection of its own choice.
    pub is_spread: bool,
    begin: OnceLock<String>,
}

impl Session {
    /// Drives a connection from now on. What its server says beside its answers is heard before they are.
    pub fn start<T>(client: Client, connection: Connection<Socket, T>) -> Self
    where
        T: TlsStream + Unpin + Send + 'static,
    {
        let warnings = Arc::new(Warnings::default());
        let driver = tokio::spawn(drive(connection, warnings.clone())).abort_handle();
        Self { client, statements: Mutex::default(), warnings, driver, is_spread: false, begin: OnceLock::new() }
    }

    /// How a transaction that writes begins.
    pub fn begin(&self) -> &str {
        self.begin.get().map_or("BEGIN", String::as_str)
    }

    /// Has them begin with this. What was said first stays.
    pub fn begins_with(&self, begin: impl FnOnce() -> String) {
        self.begin.get_or_init(begin);
    }

    /// What its server warned of.
    pub fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    /// A statement, prepared once for this connection.
    pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, Error> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn drive<T: TlsStream + Unpin>(mut connection: Connection<Socket, T>, warnings: Arc<Warnings>) {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => warnings.note(&notice),
            Some(Ok(_)) => {}
            Some(Err(error)) => return ENDED.note(|| error.to_string()),
            None => return,
        }
    }
}
