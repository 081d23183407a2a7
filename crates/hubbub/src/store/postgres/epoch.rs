//! The database's lives: a promoted standby may lack what the old primary acknowledged.

use super::{
    super::{StoreError, columns},
    PostgresStore,
    connect::first,
    session::Session,
    sql::Schema,
};
use tokio_postgres::Client;

impl PostgresStore {
    pub(crate) async fn bump(&self, seen: Option<u32>) -> Result<u32, StoreError> {
        let lease = self.pool.get().await?;
        let next = i64::from(columns::another_incarnation(seen));
        // The row's lock makes the second of two wait, and then find another incarnation than it has seen.
        let bumped = lease.execute(&self.sql.bump, &[&next, &seen.map(i64::from)]).await?;
        let now: i64 = if bumped == 1 { next } else { lease.query_one(&self.sql.incarnation, &[]).await?.get(0) };
        lease.settle()?;
        if bumped == 1 {
            tracing::warn!(incarnation = now, "the epoch was bumped");
        }
        columns::epoch_part(now)
    }
}

/// The server's timeline, which a promotion changes; `None` where it does not say.
///
/// From the log it writes now: `pg_control_checkpoint()` still names the old one until the first checkpoint after a promotion.
async fn timeline(client: &Client) -> Result<Option<i64>, tokio_postgres::Error> {
    match client.simple_query("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)").await {
        Ok(said) => Ok(first(&said).and_then(|name| i64::from_str_radix(name, 16).ok())),
        // An engine that only speaks Postgres' protocol, or a service that forbids to ask.
        Err(error) if error.as_db_error().is_some() => {
            tracing::debug!(%error, "the server does not tell its timeline");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Begins a transaction behind a pooler that spreads them. Such a pooler may have gone over to another server without any dial of
/// ours, so each that writes looks at the timeline before anything else, and begins another epoch where it is another one.
fn guarded(schema: &Schema) -> String {
    // An incarnation as `columns::another_incarnation` has it.
    schema.put_into(
        "BEGIN; DO $timeline$
        DECLARE
            here bigint := ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint;
        BEGIN
            IF (SELECT timeline FROM hubbub.meta) IS DISTINCT FROM here THEN
                UPDATE hubbub.meta SET timeline = here, incarnation = CASE WHEN timeline IS NULL THEN incarnation
                    ELSE 1 + floor(random() * 4294967295)::bigint END
                WHERE timeline IS DISTINCT FROM here;
            END IF;
        END $timeline$",
    )
}

/// Bumps the epoch if the server is on another timeline than when it was last looked at. One round trip where it is not.
pub(crate) async fn compare_timeline(session: &Session, schema: &Schema) -> Result<(), StoreError> {
    let kept = schema.put_into("SELECT timeline FROM hubbub.meta");
    let (timeline, kept) = tokio::join!(biased; timeline(session), session.simple_query(&kept));
    let (timeline, kept) = (timeline?, kept?);
    let Some(timeline) = timeline else { return Ok(()) };
    if session.is_spread {
        session.begins_with(|| guarded(schema));
    }
    let kept = first(&kept).and_then(|kept| kept.parse::<i64>().ok());
    if kept == Some(timeline) {
        return Ok(());
    }
    let next = i64::from(columns::another_incarnation(None));
    let sql =
        "UPDATE hubbub.meta SET timeline = $1, incarnation = CASE WHEN timeline IS NULL THEN incarnation ELSE $2 END
        WHERE timeline IS DISTINCT FROM $1";
    let warned = session.warnings().count();
    let changed = session.execute(&schema.put_into(sql), &[&timeline, &next]).await?;
    if session.warnings().count() != warned {
        return Err(StoreError::Unavailable("whether the epoch is kept is unknown".into()));
    }
    if changed == 1 && kept.is_some() {
        tracing::warn!(timeline, "the server is on another timeline: the epoch was bumped");
    }
    Ok(())
}
