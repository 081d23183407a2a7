//! Tokens of portals in a file.

use super::SqlitePortals;
use crate::{
    features::portals::{
        access::store::{Grant, GrantClaim, GrantStep, GrantStore},
        store::portal_id,
        vault::Kept,
    },
    store::StoreError,
};
use async_trait::async_trait;
use hubbub_core::{model::time::Timestamp, portal::PortalId};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use std::time::Duration;

const GRANTS: &str = "SELECT p.id AS id, g.access AS access, g.renew_at AS renew_at, g.made_for AS made_for,
    g.refresh AS refresh, g.generation AS generation, g.refused AS refused
    FROM portal_grants g JOIN portals p ON p.no = g.portal";

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

fn read(row: &Row<'_>) -> Result<Grant, StoreError> {
    let kept = |name: &str| Ok::<_, StoreError>(row.get::<_, Option<String>>(name)?.map(Kept::from));
    Ok(Grant {
        portal: portal_id(&row.get::<_, String>("id")?)?,
        access: kept("access")?,
        renew_at: row.get::<_, Option<i64>>("renew_at")?.map(Timestamp),
        made_for: row.get("made_for")?,
        refresh: kept("refresh")?,
        generation: row.get::<_, i64>("generation")?.cast_unsigned(),
        refused: row.get("refused")?,
    })
}

fn listed(snapshot: &Connection, portal: Option<&PortalId>) -> Result<Vec<Grant>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!("{GRANTS} WHERE ?1 IS NULL OR p.id = ?1 ORDER BY p.id"))?;
    let mut rows = statement.query([portal.map(PortalId::as_str)])?;
    let mut grants = Vec::new();
    while let Some(row) = rows.next()? {
        grants.push(read(row)?);
    }
    Ok(grants)
}

impl SqlitePortals {
    /// Changes the row of a portal; whether there was one that fits.
    async fn change(&self, set: String, params: Vec<Box<dyn ToSql + Send>>) -> Result<bool, StoreError> {
        let sql = format!("UPDATE portal_grants SET {set}");
        self.store
            .writer
            .write(move |transaction, _| {
                let changed = transaction.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(params))?;
                Ok(changed > 0)
            })
            .await
    }
}

/// The portal's row, and a condition besides. The portal's id is the first parameter.
fn only(condition: &str) -> String {
    format!("WHERE portal = (SELECT no FROM portals WHERE id = ?1) AND {condition}")
}

#[async_trait]
impl GrantStore for SqlitePortals {
    async fn grant(&self, portal: &PortalId) -> Result<Option<Grant>, StoreError> {
        let portal = portal.clone();
        self.store.readers.read(move |snapshot| Ok(listed(snapshot, Some(&portal))?.pop())).await
    }

    async fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        self.store.readers.read(|snapshot| listed(snapshot, None)).await
    }

    async fn claim_grant(
        &self,
        portal: &PortalId,
        generation: u64,
        lease: Duration,
    ) -> Result<Option<GrantClaim>, StoreError> {
        let (id, wanted, lease) = (portal.clone(), generation.cast_signed(), millis(lease));
        let fence: Option<i64> = self
            .store
            .writer
            .write(move |transaction, at| {
                let sql = "INSERT INTO portal_grants (portal, fence, leased_until)
                    SELECT no, 1, ?3 FROM portals WHERE id = ?1
                    ON CONFLICT (portal) DO UPDATE SET fence = portal_grants.fence + 1, leased_until = excluded.leased_until
                        WHERE generation = ?2 AND refused IS NULL AND (portal_grants.leased_until IS NULL OR portal_grants.leased_until <= ?4)
                    RETURNING fence";
                let params = params![id.as_str(), wanted, at.0.saturating_add(lease), at.0];
                Ok(transaction.prepare_cached(sql)?.query_row(params, |row| row.get("fence")).optional()?)
            })
            .await?;
        let claim = |fence: i64| GrantClaim { portal: portal.clone(), fence: fence.cast_unsigned(), generation };
        Ok(fence.map(claim))
    }

    async fn settle_grant(&self, claim: &GrantClaim, step: &GrantStep) -> Result<bool, StoreError> {
        let (id, fence, generation) =
            (claim.portal.to_string(), claim.fence.cast_signed(), claim.generation.cast_signed());
        match step.clone() {
            GrantStep::Renewed { access, renew_at, made_for, refresh } => {
                let set = "access = ?4, renew_at = ?5, made_for = ?6, refresh = coalesce(?7, refresh), generation = generation + 1,
                    refused = NULL, leased_until = CASE WHEN fence = ?2 THEN NULL ELSE leased_until END ";
                let set = set.to_owned() + &only("(fence = ?2 OR generation = ?3)");
                let (access, renew_at) = (access.as_row().to_owned(), renew_at.map(|at| at.0));
                let refresh = refresh.map(|kept| kept.as_row().to_owned());
                self.change(
                    set,
                    vec![
                        Box::new(id),
                        Box::new(fence),
                        Box::new(generation),
                        Box::new(access),
                        Box::new(renew_at),
                        Box::new(made_for),
                        Box::new(refresh),
                    ],
                )
                .await
            }
            GrantStep::Refused(why) => {
                let set = "refused = ?4, access = NULL, leased_until = NULL ".to_owned();
                let set = set + &only("fence = ?2 AND generation = ?3");
                self.change(set, vec![Box::new(id), Box::new(fence), Box::new(generation), Box::new(why)]).await
            }
            GrantStep::GivenBack => {
                let set = "leased_until = NULL ".to_owned() + &only("fence = ?2");
                self.change(set, vec![Box::new(id), Box::new(fence)]).await
            }
        }
    }

    async fn void_grant(&self, portal: &PortalId, generation: u64, again: Duration) -> Result<bool, StoreError> {
        let (id, generation, again) = (portal.clone(), generation.cast_signed(), millis(again));
        self.store
            .writer
            .write(move |transaction, at| {
                let sql = "UPDATE portal_grants SET access = NULL, generation = generation + 1, rejected_at = ?3 "
                    .to_owned()
                    + &only("generation = ?2 AND (rejected_at IS NULL OR rejected_at <= ?4)");
                let params = params![id.as_str(), generation, at.0, at.0.saturating_sub(again)];
                Ok(transaction.prepare_cached(&sql)?.execute(params)? > 0)
            })
            .await
    }

    async fn give_grant(&self, portal: &PortalId, refresh: &Kept) -> Result<bool, StoreError> {
        let (id, refresh) = (portal.clone(), refresh.clone());
        self.store
            .writer
            .write(move |transaction, _| {
                let sql = "INSERT INTO portal_grants (portal, refresh, generation, fence)
                    SELECT no, ?2, 1, 1 FROM portals WHERE id = ?1
                    ON CONFLICT (portal) DO UPDATE SET refresh = excluded.refresh, access = NULL, renew_at = NULL, refused = NULL,
                        rejected_at = NULL, leased_until = NULL, generation = generation + 1, fence = portal_grants.fence + 1";
                Ok(transaction.prepare_cached(sql)?.execute(params![id.as_str(), refresh.as_row()])? > 0)
            })
            .await
    }

    async fn forgive_grant(&self, portal: &PortalId) -> Result<(), StoreError> {
        let set = "refused = NULL ".to_owned() + &only("refused IS NOT NULL");
        self.change(set, vec![Box::new(portal.to_string())]).await.map(drop)
    }

    async fn reseal_grant(&self, grant: &Grant) -> Result<bool, StoreError> {
        let row = |kept: &Option<Kept>| kept.as_ref().map(|kept| kept.as_row().to_owned());
        let set = "access = ?3, refresh = ?4 ".to_owned() + &only("generation = ?2");
        let (access, refresh) = (row(&grant.access), row(&grant.refresh));
        let generation = grant.generation.cast_signed();
        let params: Vec<Box<dyn ToSql + Send>> =
            vec![Box::new(grant.portal.to_string()), Box::new(generation), Box::new(access), Box::new(refresh)];
        self.change(set, params).await
    }
}
