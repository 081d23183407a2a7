//! Connections: how each is set up, and how none goes back to the pool in the middle of something.

use super::{super::StoreError, epoch, sql::Schema, tls};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use hubbub_core::limits::{IDLE_IN_TRANSACTION, LOCK_TIMEOUT, POSTGRES_CONNECTIONS, STORE_PATIENCE};
use std::{ops::Deref, time::Duration};
use tokio_postgres::{
    Client, Config, Connection, IsolationLevel, Socket, Transaction, config::TargetSessionAttrs, tls::MakeTlsConnect,
};

/// How long a dial may wait for one server of several: less than half of what all of them may take together.
const DIAL: Duration = Duration::from_secs(1);

const ENCODE: &str = "percent-encode @ : / ? # & and % in its password";

/// Where a server is and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Server {
    pub config: Config,
    tls: tls::Tls,
}

impl Server {
    /// Dials, for whoever drives the connection.
    pub async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, <tls::Tls as MakeTlsConnect<Socket>>::Stream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

/// Reads a URL and adds what a connection needs to notice a dead server.
pub(crate) fn server(url: &str) -> Result<Server, StoreError> {
    let (wanted, url) = tls::wanted(url)?;
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        // Nothing but words and names of options: what else there is may be of a password.
        let harmless = why.chars().all(|c| c.is_ascii_lowercase() || matches!(c, ' ' | '`' | '_'));
        StoreError::Broken(format!("its URL cannot be understood: {}", if harmless { &why } else { ENCODE }))
    })?;
    // Hosts are shown; the rest of a password that had an `@` is not to be.
    if shown(&config).contains('@') {
        return Err(StoreError::Broken(format!("its URL cannot be understood: {ENCODE}")));
    }
    // Every TLS option was taken out of the URL above. One that is still there was not understood, and must not be ignored.
    if config.get_ssl_mode() != Config::new().get_ssl_mode() {
        return Err(StoreError::Broken(tls::AT.into()));
    }
    config
        .connect_timeout(DIAL)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3)
        .tcp_user_timeout(STORE_PATIENCE)
        // A standby's pages would be behind what was acknowledged.
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .ssl_mode(wanted.mode);
    if config.get_application_name().is_none() {
        config.application_name("hubbub");
    }
    Ok(Server { config, tls: wanted.tls })
}

/// Servers and database, for people.
pub(crate) fn shown(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let ports = config.get_ports();
    let mut hosts: Vec<String> = Vec::new();
    for (nth, host) in config.get_hosts().iter().enumerate() {
        let port = ports.get(nth).or(ports.first()).copied().unwrap_or(5432);
        hosts.push(match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
    }
    format!("{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

/// Dials one connection that no pool knows.
pub(crate) async fn dial(server: &Server) -> Result<Client, StoreError> {
    let (client, connection) = server.connect().await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a connection to Postgres ended");
        }
    });
    Ok(client)
}

/// A transaction on a connection that is not [set up](set_up), each statement of which sees what others have committed
/// before it: also where it has waited for a lock, and where the database's own default is stricter.
pub(crate) async fn read_committed(client: &mut Client) -> Result<Transaction<'_>, tokio_postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await
}

/// What the store's transactions count on.
async fn set_up(client: &Client) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(&format!(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
             SET default_transaction_isolation = 'read committed';
             SET lock_timeout = {};
             SET statement_timeout = {};
             SET idle_in_transaction_session_timeout = {}",
            LOCK_TIMEOUT.as_millis(),
            STORE_PATIENCE.as_millis(),
            IDLE_IN_TRANSACTION.as_millis(),
        ))
        .await?;
    // Every statement is served by an index, whatever the planner believes of tables that have just been made or have
    // grown a thousandfold since it looked. Engines that only speak Postgres' protocol may not know these.
    let planner = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off";
    if let Err(error) = client.batch_execute(planner).await {
        tracing::debug!(%error, "the planner's settings are unknown here");
    }
    Ok(())
}

/// At most [`POSTGRES_CONNECTIONS`] connections.
pub(crate) struct Pool(deadpool_postgres::Pool);

impl Pool {
    pub fn new(server: Server, schema: &Schema) -> Result<Self, StoreError> {
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(server.config, server.tls, manager_config);
        let schema = schema.clone();
        let hook = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let schema = schema.clone();
            Box::pin(async move {
                set_up(client).await.map_err(HookError::Backend)?;
                epoch::compare_timeline(client, &schema).await.map_err(HookError::Backend)
            })
        });
        deadpool_postgres::Pool::builder(manager)
            .max_size(POSTGRES_CONNECTIONS)
            .timeouts(Timeouts { wait: Some(STORE_PATIENCE), create: Some(STORE_PATIENCE), recycle: None })
            .runtime(Runtime::Tokio1)
            .post_create(hook)
            .build()
            .map(Self)
            .map_err(|e| StoreError::Broken(e.to_string()))
    }

    pub async fn get(&self) -> Result<Lease, StoreError> {
        match self.0.get().await {
            Ok(object) => Ok(Lease { object: Some(object), settled: false }),
            Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                // Whatever a server says to a newcomer, a later one may be told otherwise.
                Err(match StoreError::from(error) {
                    StoreError::Unavailable(why) | StoreError::Broken(why) => StoreError::Unavailable(why),
                    StoreError::Locked => StoreError::Unavailable("the epoch stayed locked".into()),
                })
            }
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

/// A connection on loan. Unless it is [settled](Self::settle) it is thrown away: after an error, a timeout or a
/// cancelled call nobody knows whether it is in a transaction.
pub(crate) struct Lease {
    object: Option<Object>,
    settled: bool,
}

impl Lease {
    /// Everything that was asked has been answered, and no transaction is open: the next may have it.
    pub fn settle(mut self) {
        self.settled = true;
    }
}

impl Deref for Lease {
    type Target = deadpool_postgres::ClientWrapper;

    #[expect(clippy::expect_used, reason = "it is there until the drop")]
    fn deref(&self) -> &Self::Target {
        self.object.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take()
            && !self.settled
        {
            drop(Object::take(object));
        }
    }
}

/// Gives up after [`STORE_PATIENCE`].
pub(crate) async fn patiently<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(STORE_PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("Postgres did not answer in time".into())))
}
