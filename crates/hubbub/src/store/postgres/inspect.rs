//! A look at a server before anything is served from it. Nothing is made or changed.

use super::{
    super::{
        StoreError,
        foreign_json::{CHUNK, ForeignJson},
    },
    connect, migrate,
    sql::Schema,
};
use crate::{
    clock::{Clock, Reading},
    crypto::login::Place,
};
use hubbub_core::log::features::Features;
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
    /// Whether a pooler spreads our transactions over its connections.
    pub is_spread: bool,
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
    /// What each instance that runs knows of what was added to logs.
    pub instances: Vec<Features>,
}

pub(crate) async fn inspect(at: Place, schema: &str) -> Result<Inspection, StoreError> {
    let (server, schema) = (connect::server(at)?, Schema::parse(schema)?);
    connect::within(hubbub_core::limits::STORE_DIAL, async {
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
        let tables = match migrate::version(&*client, &schema).await {
            Ok(version) => Ok(version),
            Err(StoreError::Broken(why)) => Err(why),
            Err(other) => return Err(other),
        };
        // Also where no program has made the column yet, or the table.
        let instances = schema.put_into(
            "SELECT to_jsonb(i) ->> 'knows' FROM hubbub.instances i
              WHERE expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        );
        let instances = client.query(&instances, &[]).await.unwrap_or_default();
        let instances = instances.iter().map(|row| Features::read(row.get(0))).collect();
        Ok(Inspection {
            instances,
            version: row.get(0),
            clock_offset: said.offset().unwrap_or_default(),
            fsync: row.get(1),
            encoding: row.get(2),
            synchronous_commit: row.get(3),
            is_spread: client.is_spread,
            max_connections: row.get(4),
            tables,
            known: migrate::KNOWN,
            may_make: row.get(5),
            may_use: row.get(6),
        })
    })
    .await
}

/// Looks for JSON that others cannot read, in the order of rooms, until the time is over. The server passes over what cannot be
/// such, so that little of it travels.
pub(crate) async fn foreign_json(at: Place, schema: &str, until: Instant) -> Result<ForeignJson, StoreError> {
    let (server, schema) = (connect::server(at)?, Schema::parse(schema)?);
    let mut found = ForeignJson::default();
    let looking = async {
        let client = connect::dial(&server).await?;
        let suspicious = r"~ '\\u[dD]|[0-9][eE][+0-9]|[-+.0-9eE]{101}'";
        let users = client
            .prepare(&schema.put_into(&format!(
                "SELECT id, CASE WHEN info {suspicious} THEN info END FROM hubbub.users WHERE id > $1 ORDER BY id LIMIT $2"
            )))
            .await?;
        let mut after = String::new();
        loop {
            let rows = client.query(&users, &[&after, &CHUNK]).await?;
            for row in &rows {
                after = row.get(0);
                if let Some(info) = row.get::<_, Option<&str>>(1) {
                    found.look("info", info, || format!("user {after}"));
                }
            }
            if !found.goes_on(rows.len() as u64, until) {
                return Ok::<(), StoreError>(());
            }
            if (rows.len() as i64) < CHUNK {
                break;
            }
        }
        let entries = client
            .prepare(&schema.put_into(&format!(
                "SELECT e.room, e.seq, CASE WHEN e.data {suspicious} THEN e.data END, r.id
                FROM (SELECT room, seq, data FROM hubbub.entries WHERE (room, seq) > ($1, $2) ORDER BY room, seq LIMIT $3) e
                JOIN hubbub.rooms r ON r.no = e.room ORDER BY e.room, e.seq"
            )))
            .await?;
        let (mut room, mut seq) = (0i64, 0i64);
        loop {
            let rows = client.query(&entries, &[&room, &seq, &CHUNK]).await?;
            for row in &rows {
                (room, seq) = (row.get(0), row.get(1));
                if let Some(data) = row.get::<_, Option<&str>>(2) {
                    found.look("data", data, || format!("room {} seq {seq}", row.get::<_, &str>(3)));
                }
            }
            if !found.goes_on(rows.len() as u64, until) || (rows.len() as i64) < CHUNK {
                return Ok(());
            }
        }
    };
    match tokio::time::timeout_at(until.into(), looking).await {
        Ok(looked) => looked?,
        Err(_) => found.is_cut_short = true,
    }
    Ok(found)
}

/// Secrets of portals as they lie there. Older programs have no tokens beside them.
pub(crate) async fn portal_secrets(at: Place, schema: &str) -> Result<Vec<String>, StoreError> {
    let (server, schema) = (connect::server(at)?, Schema::parse(schema)?);
    connect::within(hubbub_core::limits::STORE_DIAL, async {
        let client = connect::dial(&server).await?;
        let list = async |sql: &str| client.query(&schema.put_into(sql), &[]).await;
        let mut rows = list("SELECT secrets FROM hubbub.portals").await?;
        rows.extend(list(PORTAL_TOKENS).await.unwrap_or_default());
        Ok(rows.iter().map(|row| row.get(0)).collect())
    })
    .await
}

/// The settings of portals, by their ids. Older programs delete none.
pub(crate) async fn portal_settings(at: Place, schema: &str) -> Result<Vec<(String, String)>, StoreError> {
    let (server, schema) = (connect::server(at)?, Schema::parse(schema)?);
    connect::within(hubbub_core::limits::STORE_DIAL, async {
        let client = connect::dial(&server).await?;
        let list = async |sql: &str| client.query(&schema.put_into(sql), &[]).await;
        let rows = match list(PORTAL_SETTINGS).await {
            Ok(rows) => rows,
            Err(_) => list("SELECT id, settings FROM hubbub.portals ORDER BY id").await?,
        };
        Ok(rows.iter().map(|row| (row.get("id"), row.get("settings"))).collect())
    })
    .await
}

const PORTAL_SETTINGS: &str = "SELECT id, settings FROM hubbub.portals WHERE deleted_at IS NULL ORDER BY id";
const PORTAL_TOKENS: &str = "SELECT access FROM hubbub.portal_grants WHERE access IS NOT NULL
    UNION ALL SELECT refresh FROM hubbub.portal_grants WHERE refresh IS NOT NULL";
