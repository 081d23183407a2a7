//! Brings a schema to this version's tables, whichever of several starting instances comes first.
//!
//! A version is raised only by what the program before cannot live with: it refuses a version above what it knows, and in a
//! rolling restart both run at once. What is merely added (a table, an index, a view, a column that has a default and that no
//! older statement names) is recorded apart, by name, in the table `additions` (`docs/decisions/0012-additions.md`).

use super::{
    super::{DatabaseIdentity, StoreError, columns},
    connect::{self, Server},
    sql::Schema,
    views,
};
use hubbub_core::log::hash::HashKey;
use tokio_postgres::{Client, GenericClient};
use uuid::Uuid;

/// In order; the first is version 1. Never change one that has been released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../../migrations/postgres/0001_logs.sql")];

/// What is beside the tables of a version, in order, by name; each once. Never change or rename one that has been released.
/// The program before knows nothing of them and must get on.
const ADDITIONS: [(&str, &str); 3] = [
    ("instances", include_str!("../../../../../migrations/postgres/additions/instances.sql")),
    ("portals", include_str!("../../../../../migrations/postgres/additions/portals.sql")),
    ("kinds", include_str!("../../../../../migrations/postgres/additions/kinds.sql")),
];

/// The newest version known here.
pub(crate) const KNOWN: i32 = MIGRATIONS.len() as i32;

/// Checks the server, migrates, and returns what the database says about itself.
pub(crate) async fn run(server: &Server, schema: &Schema) -> Result<DatabaseIdentity, StoreError> {
    let (mut client, fsync, encoding) = connect::patiently(async {
        let client = connect::dial(server).await?;
        let fsync: String = client.query_one("SHOW fsync", &[]).await?.get(0);
        let encoding: String = client.query_one("SHOW server_encoding", &[]).await?.get(0);
        Ok((client, fsync, encoding))
    })
    .await?;
    if fsync != "on" {
        return Err(StoreError::Broken(format!(
            "the server runs with fsync = {fsync}: it would acknowledge what a power cut takes back; turn it on"
        )));
    }
    // In any other, texts that people may write are refused, or kept without anybody checking what they are.
    if !matches!(encoding.to_ascii_uppercase().as_str(), "UTF8" | "UTF-8") {
        return Err(StoreError::Broken(format!(
            "the database has the encoding {encoding}: UTF8 is needed; make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )));
    }
    if version(&client, schema).await? < KNOWN || !missing(&client, schema).await?.is_empty() {
        migrate(&mut client, schema).await?;
    }
    views::make(&mut client, schema).await?;
    let sql = schema.put_into("SELECT database, hash_key FROM hubbub.meta");
    let row = client.query_one(&sql, &[]).await?;
    let key: Vec<u8> = row.get(1);
    let key = key.try_into().map_err(|_| StoreError::Broken("a hash key that is not 32 bytes long".into()))?;
    Ok(DatabaseIdentity { database: row.get::<_, Uuid>(0).to_string(), hash_key: HashKey(key) })
}

/// Whether there are tables, of whichever version.
pub(crate) async fn is_there(server: &Server, schema: &Schema) -> Result<bool, StoreError> {
    Ok(version(&connect::dial(server).await?, schema).await? > 0)
}

/// The version of the tables that are there; 0 when there are none.
pub(crate) async fn version(client: &impl GenericClient, schema: &Schema) -> Result<i32, StoreError> {
    if !has(client, schema, "migrations").await? {
        return Ok(0);
    }
    let sql = schema.put_into("SELECT coalesce(max(version), 0) FROM hubbub.migrations");
    let version: i32 = client.query_one(&sql, &[]).await?.get(0);
    if version > KNOWN {
        return Err(StoreError::Broken(format!(
            "the schema {} has tables of version {version}, and this program knows them up to {KNOWN}: use the newer program",
            schema.as_str()
        )));
    }
    Ok(version)
}

/// Whether the schema has this table.
async fn has(client: &impl GenericClient, schema: &Schema, table: &str) -> Result<bool, StoreError> {
    // Not to_regclass(): its cache, unlike a query's snapshot, may not have noticed what was made while we waited for the lock.
    let sql =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::text AND c.relname = $2::text)";
    Ok(client.query_one(sql, &[&schema.as_str(), &table]).await?.get(0))
}

/// The additions that are not there yet. Those of a newer program are none of ours.
async fn missing(
    client: &impl GenericClient,
    schema: &Schema,
) -> Result<Vec<(&'static str, &'static str)>, StoreError> {
    let mut there: Vec<String> = Vec::new();
    if has(client, schema, "additions").await? {
        let rows = client.query(&schema.put_into("SELECT name FROM hubbub.additions"), &[]).await?;
        there.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    Ok(ADDITIONS.into_iter().filter(|(name, _)| !there.iter().any(|there| there == name)).collect())
}

async fn migrate(client: &mut Client, schema: &Schema) -> Result<(), StoreError> {
    let transaction = connect::read_committed(client).await?;
    transaction.batch_execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
    let name = format!("hubbub migrations {}", schema.as_str());
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await?;
    // Another instance may have been first.
    let version = version(&transaction, schema).await?;
    if version == 0 {
        // IF NOT EXISTS would ask for the right to make schemas even where an operator has made this one.
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)";
        let is_there: bool = transaction.query_one(sql, &[&schema.as_str()]).await?.get(0);
        if !is_there {
            transaction.batch_execute(&format!("CREATE SCHEMA \"{}\"", schema.as_str())).await?;
        }
        let sql = schema.put_into(
            "CREATE TABLE hubbub.migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
        );
        transaction.batch_execute(&sql).await?;
    }
    let applied = schema.put_into("INSERT INTO hubbub.migrations (version) VALUES ($1)");
    for (number, sql) in (1..=KNOWN).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        transaction.batch_execute(&schema.put_into(sql)).await?;
        transaction.execute(&applied, &[&number]).await?;
        tracing::info!(version = number, schema = schema.as_str(), "migrated the Postgres schema");
    }
    add(&transaction, schema).await?;
    let made = schema.put_into(
        "INSERT INTO hubbub.meta (database, hash_key, incarnation) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    );
    let hash_key: [u8; 32] = rand::random();
    let incarnation = i64::from(columns::another_incarnation(None));
    transaction.execute(&made, &[&Uuid::new_v4(), &hash_key.as_slice(), &incarnation]).await?;
    Ok(transaction.commit().await?)
}

async fn add(transaction: &impl GenericClient, schema: &Schema) -> Result<(), StoreError> {
    if !has(transaction, schema, "additions").await? {
        let sql = "CREATE TABLE hubbub.additions (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";
        transaction.batch_execute(&schema.put_into(sql)).await?;
    }
    let added = schema.put_into("INSERT INTO hubbub.additions (name) VALUES ($1)");
    for (name, sql) in missing(transaction, schema).await? {
        transaction.batch_execute(&schema.put_into(sql)).await?;
        transaction.execute(&added, &[&name]).await?;
        tracing::info!(name, schema = schema.as_str(), "added to the Postgres schema");
    }
    Ok(())
}
