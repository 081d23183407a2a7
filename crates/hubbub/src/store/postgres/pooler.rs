//! Poolers: whether somebody stands between us and the server, and whether that spreads our transactions over its connections.
//!
//! Behind one that does, what is set for a session is lost, or meets somebody else. So nothing is set there: the role has to
//! have it, and that is looked at. Statements that are prepared must be kept by the pooler. Where either is missing, a dial is
//! refused with what to change (`docs/decisions/0115-behind-a-pooler.md`).

use super::{
    super::StoreError,
    connect::{Server, first},
    session::Session,
};
use hubbub_core::limits::{IDLE_IN_TRANSACTION, LOCK_TIMEOUT, STORE_PATIENCE};
use std::{
    collections::BTreeSet,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Client, SimpleQueryMessage,
    error::SqlState,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

const OTHERWISE: &str = "or have it keep a connection for each session (pool_mode = session in PgBouncer), or give Hubbub the address of Postgres itself";

/// What somebody in between does with our sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each has a connection of its own for as long as it lives.
    Whole,
    /// Each of their transactions goes over whichever connection is free.
    Spread,
}

/// A setting that our sessions count on.
pub(crate) struct Setting {
    name: &'static str,
    value: String,
}

impl Setting {
    fn new(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string() }
    }

    /// A statement that gives the session all of these, where the condition holds.
    pub fn put(settings: &[Self], condition: &str) -> String {
        let each = settings.iter().map(|Self { name, value }| format!("set_config('{name}', '{value}', false)"));
        format!("SELECT {} WHERE {condition}", each.collect::<Vec<_>>().join(", "))
    }

    /// Whether what sessions begin with will do as well.
    fn is_met_by(&self, value: &str) -> bool {
        match self.name {
            "synchronous_commit" => value != "off",
            "client_min_messages" => value.starts_with("debug") || ["log", "notice", "warning"].contains(&value),
            name if name.ends_with("_timeout") => {
                let number = |text: &str| text.parse::<u64>().unwrap_or(0);
                (1..=number(&self.value)).contains(&number(value))
            }
            _ => value == self.value,
        }
    }
}

/// What the store's transactions rely on, besides `synchronous_commit`.
pub(crate) fn counted_on() -> [Setting; 5] {
    [
        Setting::new("default_transaction_isolation", "read committed"),
        Setting::new("client_min_messages", "warning"),
        Setting::new("lock_timeout", LOCK_TIMEOUT.as_millis()),
        Setting::new("statement_timeout", STORE_PATIENCE.as_millis()),
        Setting::new("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION.as_millis()),
    ]
}

/// Every statement is served by an index, whatever the planner believes of tables that have just been made or have grown a
/// thousandfold since it looked.
pub(crate) fn planner() -> [Setting; 3] {
    [
        Setting::new("enable_seqscan", "off"),
        Setting::new("plan_cache_mode", "force_generic_plan"),
        Setting::new("jit", "off"),
    ]
}

/// What a session needs that is not with its server: somebody in between answers.
pub(crate) async fn set_up(server: &Server, session: &mut Session) -> Result<(), StoreError> {
    match server.way.get_or_try_init(|| find_way(server, session)).await? {
        Way::Whole => {
            let sync = [Setting::new("synchronous_commit", "on")];
            let sync = Setting::put(&sync, "current_setting('synchronous_commit') = 'off'");
            session.batch_execute(&format!("{sync}; {}", Setting::put(&counted_on(), "true"))).await?;
            session.batch_execute(&Setting::put(&planner(), "true")).await?;
        }
        Way::Spread => {
            session.is_spread = true;
            look_at_role(session).await?;
        }
    }
    Ok(())
}

/// Whether LISTEN would be heard.
pub(crate) async fn may_listen(server: &Server) -> Result<(), StoreError> {
    let (client, connection) = server.connect().await?;
    let session = Session::start(client, connection);
    if process(&session).await? == announced(&session).await
        || *server.way.get_or_try_init(|| find_way(server, &session)).await? == Way::Whole
    {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "a pooler in front of Postgres spreads transactions over its connections, and LISTEN needs one of its own: use another --bus, {OTHERWISE}"
    )))
}

/// The process which the server, or whoever answers for it, has said to be at our login. It stands in the request that would cancel
/// what runs there, which is sent to nobody. 0 where it said none.
pub(crate) async fn announced(client: &Client) -> i32 {
    let kept = Kept::default();
    // Nothing can fail: it is written into memory.
    let _ = client.cancel_token().cancel_query_raw(kept.clone(), Open).await;
    let written = kept.written();
    let process = written.len().checked_sub(8).and_then(|at| written.get(at..at + 4)?.try_into().ok());
    process.map_or(0, i32::from_be_bytes)
}

/// The process of the server that runs a session's next transaction.
async fn process(session: &Session) -> Result<i32, StoreError> {
    let said = session.simple_query("SELECT pg_backend_pid()").await?;
    Ok(first(&said).and_then(|said| said.parse().ok()).unwrap_or_default())
}

/// What somebody in between does. Two sessions ask in turns who serves them: where each has a connection of its own, each is always
/// told the same, and they are never told the same as each other.
async fn find_way(server: &Server, session: &Session) -> Result<Way, StoreError> {
    let (client, connection) = server.connect().await?;
    let other = Session::start(client, connection);
    // Some tie a session to a connection once something is set there, as RDS Proxy does. Its name is nobody else's.
    for asks in [session, &other] {
        asks.batch_execute("SET hubbub.asks = 'who serves it'").await?;
    }
    let (mut of_one, mut of_other) = (BTreeSet::new(), BTreeSet::new());
    // Whichever connection a pooler takes next: the last one used, or the one that has waited longest.
    for (asks, told) in [(session, 0), (session, 0), (&other, 1), (&other, 1)].repeat(3) {
        (if told == 0 { &mut of_one } else { &mut of_other }).insert(process(asks).await?);
    }
    if of_one.len() == 1 && of_other.len() == 1 && of_one.is_disjoint(&of_other) {
        return Ok(Way::Whole);
    }
    if !keeps_statements(session).await? {
        return Err(StoreError::Broken(format!(
            "a pooler in front of Postgres spreads transactions over its connections, and keeps no prepared statements: set max_prepared_statements = 200 there (PgBouncer 1.21 or newer), {OTHERWISE}"
        )));
    }
    tracing::debug!("a pooler is in front of Postgres, and spreads transactions over its connections");
    Ok(Way::Spread)
}

/// Whether a pooler knows which statements its clients have prepared: it gives them names of its own then.
async fn keeps_statements(session: &Session) -> Result<bool, StoreError> {
    if let Err(error) = session.batch_execute("BEGIN").await {
        let Some(said) = error.as_db_error() else { return Err(error.into()) };
        let says = said.message();
        return Err(StoreError::Broken(format!(
            "a pooler in front of Postgres takes no transactions ({says}): set pool_mode = transaction there, {OTHERWISE}"
        )));
    }
    let asks = "SELECT 1 AS asked_by_hubbub";
    let prepared = session.prepare(asks).await;
    match prepared {
        Ok(_) => {}
        // Somebody's, of the same name.
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_PSTATEMENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    // As the driver names them.
    let named = format!("SELECT name FROM pg_prepared_statements WHERE statement = '{asks}' AND name ~ '^s[0-9]+$'");
    let named = session.simple_query(&named).await?;
    // Where the pooler did not notice, it is gone before the connection is somebody else's.
    drop(prepared);
    session.batch_execute("COMMIT").await?;
    Ok(first(&named).is_none())
}

/// Whether sessions begin with what they need, without being told.
async fn look_at_role(session: &Session) -> Result<(), StoreError> {
    let settings: Vec<_> =
        [Setting::new("synchronous_commit", "on")].into_iter().chain(counted_on()).chain(planner()).collect();
    let names: Vec<_> = settings.iter().map(|setting| format!("'{}'", setting.name)).collect();
    // Not what somebody has set on this connection before us: what it would be reset to.
    let ask = format!(
        "SELECT name, reset_val, format('ALTER ROLE %I IN DATABASE %I SET ', current_user, current_database())
         FROM pg_settings WHERE name IN ({})",
        names.join(", ")
    );
    let said = session.simple_query(&ask).await?;
    let mut missing = Vec::new();
    for message in &said {
        let SimpleQueryMessage::Row(row) = message else { continue };
        let name = row.get(0).unwrap_or_default();
        let Some(setting) = settings.iter().find(|setting| setting.name == name) else { continue };
        if !setting.is_met_by(row.get(1).unwrap_or_default()) {
            missing.push(format!("{}{name} = '{}';", row.get(2).unwrap_or_default(), setting.value));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "a pooler in front of Postgres spreads transactions over its connections, so that nothing can be set for a session, and its role lacks what Hubbub needs: run {} and have the pooler connect anew (RECONNECT), {OTHERWISE}",
        missing.join(" ")
    )))
}

/// Keeps what is written, and says yes to whoever asks for TLS.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn written(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AsyncRead for Kept {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        into.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Kept {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// TLS as far as [`Kept`] speaks it: not at all.
struct Open;

impl TlsConnect<Kept> for Open {
    type Stream = Kept;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Kept>>;

    fn connect(self, stream: Kept) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_has_will_do_where_it_is_as_strict() {
        let all: Vec<_> =
            [Setting::new("synchronous_commit", "on")].into_iter().chain(counted_on()).chain(planner()).collect();
        let is_met = |name: &str, value: &str| {
            all.iter().find(|setting| setting.name == name).is_some_and(|setting| setting.is_met_by(value))
        };
        for setting in &all {
            assert!(setting.is_met_by(&setting.value), "{}", setting.name);
        }
        for (name, value) in [
            ("synchronous_commit", "remote_apply"),
            ("client_min_messages", "notice"),
            ("client_min_messages", "debug2"),
            ("lock_timeout", "1"),
        ] {
            assert!(is_met(name, value), "{name} = {value}");
        }
        for (name, value) in [
            ("synchronous_commit", "off"),
            ("client_min_messages", "error"),
            ("lock_timeout", "0"),
            ("statement_timeout", "60000"),
            ("default_transaction_isolation", "repeatable read"),
            ("enable_seqscan", "on"),
        ] {
            assert!(!is_met(name, value), "{name} = {value}");
        }
    }
}
