//! Which instances live, by the server's clock.

use super::{
    super::{Lease, StoreError},
    PostgresStore,
};
use std::time::Duration;
use uuid::Uuid;

impl PostgresStore {
    pub(crate) async fn renew(&self, lease: Lease, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 2);
        let rows = self.ask(&self.sql.renew_lease, &[&lease.boot, &lease.bus, &ttl]).await?;
        Ok(rows.iter().map(|row| Lease { boot: row.get(0), bus: row.get(1) }).collect())
    }

    pub(crate) async fn end(&self, boot: Uuid) -> Result<(), StoreError> {
        self.ask(&self.sql.end_lease, &[&boot]).await.map(drop)
    }
}
