//! Refused webhooks in Postgres. Whoever writes several of a portal has its lock, so that no two wait for one another, and none
//! is kept of a portal that is just being deleted.

use super::{BYTES, EACH, PostgresPortals, Row, beyond, number, part};
use crate::{
    features::portals::{
        refused::store::RefusedStore,
        store::{Which, portal_id},
    },
    store::{
        StoreError,
        columns::{self, count},
        postgres::{connect::patiently, pool::Lease},
    },
};
use async_trait::async_trait;
use hubbub_core::{
    limits::{REFUSED_HOOK_WEIGHT, REFUSED_HOOKS, REFUSED_HOOKS_BYTES, REFUSED_HOOKS_FOR, REFUSED_HOOKS_SWEPT},
    log::room::ListPart,
    model::time::Timestamp,
    portal::{
        PortalId,
        refused::{Refused, RefusedHook, Verdict},
    },
};
use tokio_postgres::types::ToSql;

fn hook(row: &Row) -> Result<RefusedHook, StoreError> {
    Ok(RefusedHook {
        number: number(row.get("no")),
        portal: portal_id(row.get("portal_id"))?,
        at: Timestamp(row.get("at")),
        last_at: Timestamp(row.get("last_at")),
        times: number(row.get("times")),
        verdict: Verdict {
            status: u16::try_from(row.get::<_, i32>("status")).unwrap_or_default(),
            code: row.get("code"),
            why: row.get("why"),
        },
        headers: columns::json(row.get("headers"), "a refused webhook's headers")?,
        bytes: number(row.get("bytes")),
    })
}

fn counted(rows: &[Row]) -> Result<Vec<(PortalId, u64)>, StoreError> {
    rows.iter().map(|row| Ok((portal_id(row.get("id"))?, number(row.get("hooks"))))).collect()
}

impl PostgresPortals {
    /// Until the transaction ends nobody else keeps anything of these portals, or throws several away.
    pub(super) async fn lock_refused(&self, lease: &Lease, portals: &[&str]) -> Result<(), StoreError> {
        let lock = lease.prepare_cached(&self.sql.lock_refused).await?;
        lease.query(&lock, &[&portals]).await?;
        Ok(())
    }

    async fn keep_all_refused(&self, refused: &[Refused]) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let portals: Vec<&str> = refused.iter().map(|one| one.portal.as_str()).collect();
        let names: Vec<&str> = refused.iter().map(|one| one.name.as_str()).collect();
        let at: Vec<i64> = refused.iter().map(|one| one.at.0).collect();
        let last_at: Vec<i64> = refused.iter().map(|one| one.last_at.0).collect();
        let times: Vec<i64> = refused.iter().map(|one| one.times.cast_signed()).collect();
        let statuses: Vec<i32> = refused.iter().map(|one| i32::from(one.verdict.status)).collect();
        let codes: Vec<&str> = refused.iter().map(|one| one.verdict.code.as_str()).collect();
        let whys: Vec<&str> = refused.iter().map(|one| one.verdict.why.as_str()).collect();
        let headers: Vec<String> = refused.iter().map(|one| columns::to_json(&one.headers)).collect();
        let bytes: Vec<i64> = refused.iter().map(|one| one.bytes() as i64).collect();
        let bodies: Vec<&[u8]> = refused.iter().map(|one| one.body.as_slice()).collect();
        let columns: [&(dyn ToSql + Sync); 11] =
            [&portals, &names, &at, &last_at, &times, &statuses, &codes, &whys, &headers, &bytes, &bodies];
        let lease = self.store.pool.get().await?;
        let keep = lease.prepare_cached(&self.sql.keep_refused).await?;
        let bound = lease.prepare_cached(&self.sql.bound_refused).await?;
        lease.batch_execute(lease.begin()).await?;
        self.lock_refused(&lease, &portals).await?;
        lease.execute(&keep, &columns).await?;
        let (most, weight, each) = (REFUSED_HOOKS as i64, REFUSED_HOOKS_BYTES as i64, REFUSED_HOOK_WEIGHT as i64);
        let gone = lease.query(&bound, &[&portals, &most, &weight, &each]).await?;
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        counted(&gone)
    }

    async fn drop_all_refused(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let lease = self.store.pool.get().await?;
        let drop = lease.prepare_cached(&self.sql.drop_refused).await?;
        let (id, (first, last)) = (portal.as_str(), which.numbers());
        lease.batch_execute(lease.begin()).await?;
        self.lock_refused(&lease, &[id]).await?;
        let dropped = lease.execute(&drop, &[&id, &first, &last]).await?;
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(dropped)
    }
}

#[async_trait]
impl RefusedStore for PostgresPortals {
    async fn keep_refused(&self, refused: &[Refused]) -> Result<Vec<(PortalId, u64)>, StoreError> {
        patiently(self.keep_all_refused(refused)).await
    }

    async fn list_refused(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<RefusedHook>, StoreError> {
        let (id, after) = (portal.as_str(), beyond(after));
        let params: [&(dyn ToSql + Sync); 5] = [&count(limit), &BYTES, &EACH, &id, &after];
        part(&patiently(self.store.ask(&self.sql.refused, &params)).await?, hook)
    }

    async fn refused_hook(&self, portal: &PortalId, number: u64) -> Result<Option<(RefusedHook, Vec<u8>)>, StoreError> {
        let number = beyond(number);
        let rows = patiently(self.store.ask(&self.sql.refused_hook, &[&portal.as_str(), &number])).await?;
        rows.first().map(|row| Ok((hook(row)?, row.get("body")))).transpose()
    }

    async fn refused_in_order(
        &self,
        portal: &PortalId,
        after: (Timestamp, u64),
        limit: usize,
    ) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        let (id, at, no, limit) = (portal.as_str(), after.0.0, beyond(after.1), count(limit));
        let rows = patiently(self.store.ask(&self.sql.refused_in_order, &[&id, &at, &no, &limit])).await?;
        Ok(rows.iter().map(|row| (Timestamp(row.get("at")), number(row.get("no")))).collect())
    }

    async fn refuse_again(&self, portal: &PortalId, number: u64, verdict: &Verdict) -> Result<bool, StoreError> {
        let (id, no, status) = (portal.as_str(), beyond(number), i32::from(verdict.status));
        let params: [&(dyn ToSql + Sync); 5] = [&id, &no, &status, &verdict.code, &verdict.why];
        Ok(!patiently(self.store.ask(&self.sql.refuse_again, &params)).await?.is_empty())
    }

    async fn drop_refused(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        patiently(self.drop_all_refused(portal, which)).await
    }

    async fn sweep_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let kept_for = i64::try_from(REFUSED_HOOKS_FOR.as_millis()).unwrap_or(i64::MAX);
        let params: [&(dyn ToSql + Sync); 2] = [&kept_for, &(REFUSED_HOOKS_SWEPT as i64)];
        counted(&patiently(self.store.ask(&self.sql.sweep_refused, &params)).await?)
    }

    async fn count_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        counted(&patiently(self.store.ask(&self.sql.count_refused, &[])).await?)
    }
}
