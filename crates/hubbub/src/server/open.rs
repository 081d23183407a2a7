//! Opening the store and the bus.

use crate::{
    bus::{self, Bus, local::LocalBus, redis::RedisBus},
    config::{BusAt, StoreAt},
    features::{
        people::{postgres::PostgresPeople, sqlite::SqlitePeople, store::PeopleStore},
        portals::{postgres::PostgresPortals, sqlite::SqlitePortals, store::PortalStore},
    },
    store::{
        Store, StoreError,
        archive::Archive,
        postgres::{PostgresStore, archive::PostgresArchive},
        sqlite::SqliteStore,
    },
};
use anyhow::{Context, bail};
use futures_util::FutureExt;
use hubbub_core::model::backoff::Backoff;
use std::{sync::Arc, time::Duration};

/// What is kept in one database: the logs, and what each feature keeps beside them.
#[derive(Clone)]
pub struct Stores {
    /// The logs.
    pub logs: Arc<dyn Store>,
    /// Portals and sessions.
    pub portals: Arc<dyn PortalStore>,
    /// What people decide for themselves.
    pub people: Arc<dyn PeopleStore>,
}

async fn open(at: &StoreAt) -> Result<Stores, StoreError> {
    Ok(match at {
        StoreAt::Sqlite(path) => {
            let logs = Arc::new(SqliteStore::open(path)?);
            let people = Arc::new(SqlitePeople::new(logs.clone()));
            Stores { portals: Arc::new(SqlitePortals::new(logs.clone())), people, logs }
        }
        StoreAt::Postgres { place, schema, .. } => {
            let logs = Arc::new(PostgresStore::connect(place, schema).await?);
            let people = Arc::new(PostgresPeople::new(logs.clone()));
            Stores { portals: Arc::new(PostgresPortals::new(logs.clone())), people, logs }
        }
    })
}

/// Opens the database, making its tables where there are none. A server that is not there yet is waited for.
///
/// # Errors
/// When waiting would not help.
pub async fn open_store(at: &StoreAt) -> anyhow::Result<Stores> {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        match (open(at).await, at) {
            (Ok(stores), _) => return Ok(stores),
            (Err(StoreError::Unavailable(why)), StoreAt::Postgres { .. }) => {
                tracing::warn!(why, store = %at, "the store does not answer; asking again");
                tokio::time::sleep(backoff.next(rand::random())).await;
            }
            (Err(error), _) => return Err(error).with_context(|| format!("--store {at}")),
        }
    }
}

/// Looks whether the store's server is a place for this bus, where that is to be seen before it runs.
///
/// # Errors
/// When it is none, whatever one waits for.
pub async fn check_bus(at: &BusAt, store: &StoreAt) -> anyhow::Result<()> {
    let (BusAt::Postgres, StoreAt::Postgres { place, .. }) = (at, store) else { return Ok(()) };
    match PostgresStore::listener(place)?.check().await {
        // It is dialled until it is there.
        Ok(()) | Err(StoreError::Unavailable(_) | StoreError::Locked) => Ok(()),
        Err(StoreError::Broken(why)) => bail!("postgres: {why}"),
    }
}

/// Starts a bus, in a namespace of this name: that of a database. It need not be up yet.
///
/// # Errors
/// When the address is none, or the store is no place for this bus.
pub fn open_bus(at: &BusAt, store: &StoreAt, namespace: &str) -> anyhow::Result<Arc<dyn Bus>> {
    Ok(match (at, store) {
        (BusAt::Local, _) => Arc::new(LocalBus::alone()),
        (BusAt::Redis(place), _) => Arc::new(RedisBus::start(place, namespace)?),
        (BusAt::Nats(place), _) => Arc::new(bus::nats::start(place, namespace)?),
        #[cfg(feature = "kafka")]
        (BusAt::Kafka(url), _) => Arc::new(bus::kafka::start(url, namespace)?),
        #[cfg(not(feature = "kafka"))]
        (BusAt::Kafka(_), _) => bail!("kafka://: this program was built without its feature `kafka`"),
        (BusAt::Postgres, StoreAt::Postgres { place, .. }) => {
            let listener = PostgresStore::listener(place)?;
            let dial = move || {
                let listener = listener.clone();
                async move { listener.dial().await.map_err(|error| error.to_string()) }.boxed()
            };
            Arc::new(bus::postgres::start(Box::new(dial), namespace))
        }
        (BusAt::Postgres, StoreAt::Sqlite(_)) => bail!("postgres: it needs --store postgres://…"),
    })
}

async fn must_be_there(at: &StoreAt) -> anyhow::Result<()> {
    let there = match at {
        StoreAt::Sqlite(path) => SqliteStore::is_there(path),
        StoreAt::Postgres { place, schema, .. } => PostgresStore::is_there(place, schema).await,
    };
    if !there.with_context(|| format!("--store {at}"))? {
        bail!("--store {at}: there are no logs of Hubbub's; name the store that your servers use. Nothing was changed");
    }
    Ok(())
}

/// A store with what imports and exports need of it.
type Archived = (Arc<dyn Store>, Arc<dyn Archive>);

/// Opens the logs for an import, which makes the tables where there are none, or for an export, which needs them.
///
/// # Errors
/// When they cannot be opened.
pub async fn open_archive(at: &StoreAt, makes: bool) -> anyhow::Result<Archived> {
    if !makes {
        must_be_there(at).await?;
    }
    let opened: Result<Archived, StoreError> = async {
        Ok(match at {
            StoreAt::Sqlite(path) => {
                let logs = Arc::new(SqliteStore::open(path)?);
                (logs.clone() as _, logs as _)
            }
            StoreAt::Postgres { place, schema, .. } => {
                let logs = Arc::new(PostgresStore::connect(place, schema).await?);
                (logs.clone() as _, Arc::new(PostgresArchive::new(logs)) as _)
            }
        })
    }
    .await;
    opened.with_context(|| format!("--store {at}"))
}

/// Begins another life of a database that is there: nothing is made and nothing is waited for. Returns the incarnation.
///
/// # Errors
/// When there is no store of Hubbub's at this place, or it cannot be opened.
pub async fn bump_epoch(at: &StoreAt) -> anyhow::Result<u32> {
    must_be_there(at).await?;
    let bumped = async { open(at).await?.logs.bump_epoch(None).await };
    bumped.await.with_context(|| format!("--store {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bump_makes_no_file_and_tells_which_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs.db");
        let at = StoreAt::Sqlite(path.clone());
        let error = bump_epoch(&at).await.unwrap_err().to_string();
        assert!(error.contains("logs.db") && error.contains("Nothing was changed"), "{error}");
        std::fs::write(&path, "").unwrap();
        assert!(bump_epoch(&at).await.is_err(), "an empty file is not taken for a database");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing beside it");
        std::fs::remove_file(&path).unwrap();

        drop(open_store(&at).await.unwrap());
        let (one, other) = (bump_epoch(&at).await.unwrap(), bump_epoch(&at).await.unwrap());
        assert_ne!(one, other);
        assert_eq!(open_store(&at).await.unwrap().logs.bump_epoch(Some(0)).await.unwrap(), other, "it was kept");
        let open = open_store(&at).await.unwrap();
        assert!(format!("{:#}", bump_epoch(&at).await.unwrap_err()).contains("another process"), "a server has it");
        drop(open);
    }
}
