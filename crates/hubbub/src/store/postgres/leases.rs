//! Which instances live, by the server's clock.

use super::{
    super::{Lease, StoreError},
    PostgresStore,
};
use crate::clock::Reading;
use hubbub_core::log::features::Features;
use std::time::{Duration, Instant};
use tokio_postgres::Row;
use uuid::Uuid;

impl PostgresStore {
    pub(crate) async fn renew(&self, lease: Lease, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 2);
        let knows = lease.knows.to_string();
        let rows = self.ask(&self.sql.renew_lease, &[&lease.boot, &lease.bus, &ttl, &knows]).await?;
        let lease = |row: &Row| Lease { boot: row.get(0), bus: row.get(1), knows: Features::read(row.get(2)) };
        Ok(rows.iter().map(lease).collect())
    }

    pub(crate) async fn count_openings(&self) -> Result<u64, StoreError> {
        let rows = self.ask(&self.sql.openings, &[]).await?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
    }

    /// Only the question itself is timed, not the wait for a connection.
    pub(crate) async fn server_clock(&self) -> Result<Reading, StoreError> {
        let lease = self.pool.get().await?;
        let statement = lease.prepare_cached(&self.sql.server_clock).await?;
        let asked = Instant::now();
        let row = lease.query_one(&statement, &[]).await?;
        let reading = Reading::now(asked, Duration::from_millis(row.get::<_, i64>(0).max(0).unsigned_abs()));
        lease.settle()?;
        Ok(reading)
    }

    pub(crate) async fn end(&self, boot: Uuid) -> Result<(), StoreError> {
        self.ask(&self.sql.end_lease, &[&boot]).await.map(drop)
    }
}
