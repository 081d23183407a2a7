//! A look at a server before anything is served from it. Nothing is made or changed.

use super::{super::StoreError, connect, migrate, sql::Schema};
use crate::clock::{Clock, Reading};
use std::time::{Duration, Instant};

/// What a server and its schema are like.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Like 160004 for 16.4.
    pub version: i32,
    /// By how many seconds the clock of this machine is ahead of the server's.
    pub clock_offset: f64,
    /// Whether commits reach the disk.
    pub fsync: bool,
    /// Of the database.
    pub encoding: String,
    /// Of our sessions, as the server has it.
    pub synchronous_commit: String,
    /// Sessions of all programs together.
    pub max_connections: i32,
    /// Of the tables; 0: there are none yet. `Err`: a newer program's, and why that will not do.
    pub tables: Result<i32, String>,
    /// The tables this program has.
    pub known: i32,
    /// Whether what is missing can be made: the schema is there and may be filled, or may be made.
    pub may_make: bool,
    /// Whether what is there may be read and written.
    pub may_use: bool,
}

pub(crate) async fn inspect(url: &str, schema: &str) -> Result<Inspection, StoreError> {
    let (server, schema) = (connect::server(url)?, Schema::parse(schema)?);
    connect::patiently(async {
        let client = connect::dial(&server).await?;
        let row = client
            .query_one(
                "SELECT current_setting('server_version_num')::int, current_setting('fsync') = 'on',
                        current_setting('server_encoding'), current_setting('synchronous_commit'),
                        current_setting('max_connections')::int,
                        CASE WHEN to_regnamespace($1::text) IS NULL
                             THEN has_database_privilege(current_database(), 'CREATE')
                             ELSE has_schema_privilege($1, 'CREATE') END,
                        coalesce((SELECT bool_and(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                                                  AND has_table_privilege(c.oid, 'UPDATE'))
                                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                   WHERE n.nspname = $1 AND c.relkind = 'r'), true)",
                &[&schema.as_str()],
            )
            .await?;
        let asked = Instant::now();
        let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let millis: i64 = client.query_one(clock, &[]).await?.get(0);
        let said = Clock::default();
        said.take(Reading::now(asked, Duration::from_millis(millis.max(0).unsigned_abs())));
        let tables = match migrate::version(&client, &schema).await {
            Ok(version) => Ok(version),
            Err(StoreError::Broken(why)) => Err(why),
            Err(other) => return Err(other),
        };
        Ok(Inspection {
            version: row.get(0),
            clock_offset: said.offset().unwrap_or_default(),
            fsync: row.get(1),
            encoding: row.get(2),
            synchronous_commit: row.get(3),
            max_connections: row.get(4),
            tables,
            known: migrate::KNOWN,
            may_make: row.get(5),
            may_use: row.get(6),
        })
    })
    .await
}
