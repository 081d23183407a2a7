//! Where a server is, and how a connection to it is set up: in as few round trips as may be.

use super::{
    super::StoreError,
    pooler::{self, Setting, Way},
    session::Session,
    tls,
};
use crate::crypto::login::{Password, Place};
use hubbub_core::limits::STORE_PATIENCE;
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use tokio_postgres::{
    Client, Config, Connection, IsolationLevel, SimpleQueryMessage, Socket, Transaction,
    config::{SslMode, TargetSessionAttrs},
    error::SqlState,
    tls::MakeTlsConnect,
};

/// How long a dial may wait for one server of several: less than half of what all of them may take together.
const DIAL: Duration = Duration::from_secs(1);

const ENCODE: &str = "percent-encode @ : / ? # & and % in its password";

/// Where a server is and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Server {
    pub config: Config,
    tls: tls::Tls,
    password: Option<Password>,
    /// What a pooler in front of it does, once one has been met.
    pub way: Arc<OnceCell<Way>>,
}

impl Server {
    /// Dials, for whoever drives the connection. Password and authorities are read anew: they may have been replaced.
    pub async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, <tls::Tls as MakeTlsConnect<Socket>>::Stream>), StoreError> {
        let mut config = self.config.clone();
        if let Some(password) = &self.password {
            config.password(password.read().map_err(StoreError::Unavailable)?);
        }
        config.connect(self.tls.clone()).await.map_err(|error| self.explain(error))
    }

    /// What an error of a dial means, and what to do where a login is refused.
    fn explain(&self, error: tokio_postgres::Error) -> StoreError {
        let code = error.code().cloned();
        // What a pooler says before anything else; waiting does not help.
        if let Some(said) = error.as_db_error().filter(|said| said.message().contains("startup parameter")) {
            return StoreError::Broken(format!(
                "{}: a pooler in front of Postgres takes no `options` in the URL; take them out, and set them for the role",
                said.message()
            ));
        }
        let advice = match (&code, &self.password) {
            (Some(code), _)
                if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
                    && self.config.get_ssl_mode() == SslMode::Disable =>
            {
                "; where it takes nobody without TLS, add ?sslmode=verify-full&sslrootcert=FILE to the URL".into()
            }
            (Some(code), Some(password)) if *code == SqlState::INVALID_PASSWORD => {
                format!(", with {}", password.shown())
            }
            _ => String::new(),
        };
        match error.into() {
            StoreError::Broken(why) => StoreError::Broken(why + &advice),
            other => other,
        }
    }
}

/// Reads a URL and adds what a connection needs to notice a dead server.
pub(crate) fn server(at: impl Into<Place>) -> Result<Server, StoreError> {
    let Place { url, password } = at.into();
    let (wanted, url) = tls::wanted(&url)?;
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
    if let Some(password) = &password {
        password.agrees(config.get_password()).map_err(StoreError::Broken)?;
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
    Ok(Server { config, tls: wanted.tls, password, way: Arc::default() })
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

/// Dials a connection that is [set up](set_up). It is in no pool yet.
pub(crate) async fn dial(server: &Server) -> Result<Session, StoreError> {
    let mut server = server.clone();
    // Whether it takes writes is asked along with all else. With several servers the driver has to know at once.
    if server.config.get_hosts().len() < 2 {
        server.config.target_session_attrs(TargetSessionAttrs::Any);
    }
    let (client, connection) = server.connect().await?;
    let mut session = Session::start(client, connection);
    if !set_up(&session).await? {
        pooler::set_up(&server, &mut session).await?;
    }
    Ok(session)
}

/// A transaction each statement of which sees what others have committed before it: also where it has waited for a lock, and where
/// the database's own default is stricter. It takes the time it needs.
pub(crate) async fn read_committed(client: &mut Client) -> Result<Transaction<'_>, tokio_postgres::Error> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
    transaction.batch_execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
    Ok(transaction)
}

/// The first column of the first row that a statement gave as text.
pub(crate) fn first(messages: &[SimpleQueryMessage]) -> Option<&str> {
    messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

/// Sets what the store's transactions count on, where it is the server that answers. Returns whether it is, or else somebody in
/// between: nothing has been set then.
async fn set_up(client: &Client) -> Result<bool, StoreError> {
    let is_it = format!("pg_backend_pid() = {}", pooler::announced(client).await);
    // Whatever a role or a database was given: a COMMIT that did not wait for its standby says so by a warning.
    let counted_on = format!(
        "SELECT {is_it};
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off' AND {is_it};
         {}",
        Setting::put(&pooler::counted_on(), &is_it),
    );
    // Engines that only speak Postgres' protocol may not know these.
    let planner = Setting::put(&pooler::planner(), &is_it);
    // Together: one round trip.
    let (counted_on, planner, read_only) = tokio::join!(
        biased;
        client.simple_query(&counted_on),
        client.batch_execute(&planner),
        client.simple_query("SHOW transaction_read_only"),
    );
    let is_server = first(&counted_on?) == Some("t");
    if let Err(error) = planner {
        if error.as_db_error().is_none() {
            return Err(error.into());
        }
        tracing::debug!(%error, "the planner's settings are unknown here");
    }
    if first(&read_only?) == Some("on") {
        return Err(StoreError::Unavailable("the server takes no writes: it is a standby".into()));
    }
    Ok(is_server)
}

/// Gives up after [`STORE_PATIENCE`].
pub(crate) async fn patiently<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    within(STORE_PATIENCE, work).await
}

/// Gives up after this time.
pub(crate) async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable("Postgres did not answer in time".into());
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(late()))
}
