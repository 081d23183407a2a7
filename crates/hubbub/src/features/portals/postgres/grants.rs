//! Tokens of portals in Postgres.

use super::PostgresPortals;
use crate::{
    features::portals::{
        access::store::{Grant, GrantClaim, GrantStep, GrantStore},
        store::portal_id,
        vault::Kept,
    },
    store::{StoreError, postgres::connect::patiently},
};
use async_trait::async_trait;
use hubbub_core::{model::time::Timestamp, portal::PortalId};
use std::time::Duration;
use tokio_postgres::{Row, types::ToSql};

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

fn read(row: &Row) -> Result<Grant, StoreError> {
    let kept = |name: &str| row.get::<_, Option<String>>(name).map(Kept::from);
    Ok(Grant {
        portal: portal_id(row.get("id"))?,
        access: kept("access"),
        renew_at: row.get::<_, Option<i64>>("renew_at").map(Timestamp),
        made_for: row.get("made_for"),
        refresh: kept("refresh"),
        generation: row.get::<_, i64>("generation").cast_unsigned(),
        refused: row.get("refused"),
    })
}

impl PostgresPortals {
    /// Whether the statement met a row.
    async fn met(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<bool, StoreError> {
        Ok(!patiently(self.store.ask(sql, params)).await?.is_empty())
    }
}

#[async_trait]
impl GrantStore for PostgresPortals {
    async fn grant(&self, portal: &PortalId) -> Result<Option<Grant>, StoreError> {
        let rows = patiently(self.store.ask(&self.sql.grant, &[&portal.as_str()])).await?;
        rows.first().map(read).transpose()
    }

    async fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        patiently(self.store.ask(&self.sql.grants, &[])).await?.iter().map(read).collect()
    }

    async fn claim_grant(
        &self,
        portal: &PortalId,
        generation: u64,
        lease: Duration,
    ) -> Result<Option<GrantClaim>, StoreError> {
        let params: [&(dyn ToSql + Sync); 3] = [&portal.as_str(), &generation.cast_signed(), &millis(lease)];
        let rows = patiently(self.store.ask(&self.sql.claim_grant, &params)).await?;
        let fence = rows.first().map(|row| row.get::<_, i64>("fence").cast_unsigned());
        Ok(fence.map(|fence| GrantClaim { portal: portal.clone(), fence, generation }))
    }

    async fn settle_grant(&self, claim: &GrantClaim, step: &GrantStep) -> Result<bool, StoreError> {
        let (id, fence, generation) =
            (claim.portal.as_str(), claim.fence.cast_signed(), claim.generation.cast_signed());
        match step {
            GrantStep::Renewed { access, renew_at, made_for, refresh } => {
                let (access, renew_at) = (access.as_row(), renew_at.map(|at| at.0));
                let refresh = refresh.as_ref().map(Kept::as_row);
                let params: [&(dyn ToSql + Sync); 7] =
                    [&id, &fence, &generation, &access, &renew_at, &made_for, &refresh];
                self.met(&self.sql.renew_grant, &params).await
            }
            GrantStep::Refused(why) => self.met(&self.sql.refuse_grant, &[&id, &fence, &generation, why]).await,
            GrantStep::GivenBack => self.met(&self.sql.give_back_grant, &[&id, &fence]).await,
        }
    }

    async fn void_grant(&self, portal: &PortalId, generation: u64, again: Duration) -> Result<bool, StoreError> {
        let (generation, again) = (generation.cast_signed(), millis(again));
        self.met(&self.sql.void_grant, &[&portal.as_str(), &generation, &again]).await
    }

    async fn give_grant(&self, portal: &PortalId, refresh: &Kept) -> Result<bool, StoreError> {
        self.met(&self.sql.give_grant, &[&portal.as_str(), &refresh.as_row()]).await
    }

    async fn forgive_grant(&self, portal: &PortalId) -> Result<(), StoreError> {
        self.met(&self.sql.forgive_grant, &[&portal.as_str()]).await.map(drop)
    }

    async fn reseal_grant(&self, grant: &Grant) -> Result<bool, StoreError> {
        let (access, refresh) = (grant.access.as_ref().map(Kept::as_row), grant.refresh.as_ref().map(Kept::as_row));
        let generation = grant.generation.cast_signed();
        self.met(&self.sql.reseal_grant, &[&grant.portal.as_str(), &generation, &access, &refresh]).await
    }
}
