//! Refused webhooks in a file.

use super::{SqlitePortals, number};
use crate::{
    features::portals::{
        refused::store::RefusedStore,
        store::{Which, portal_id},
    },
    store::{
        StoreError,
        columns::{self, count, weight},
        sqlite::lists::Filling,
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
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeSet;

/// The columns of a refused webhook but its body.
const KEPT: &str = "r.no AS no, r.at AS at, r.last_at AS last_at, r.times AS times, r.status AS status, r.code AS code, \
    r.why AS why, r.headers AS headers, r.bytes AS bytes";

fn hook(row: &Row<'_>, portal: &PortalId) -> Result<RefusedHook, StoreError> {
    Ok(RefusedHook {
        number: number(row.get("no")?),
        portal: portal.clone(),
        at: Timestamp(row.get("at")?),
        last_at: Timestamp(row.get("last_at")?),
        times: number(row.get("times")?),
        verdict: Verdict { status: row.get("status")?, code: row.get("code")?, why: row.get("why")? },
        headers: columns::json(&row.get::<_, String>("headers")?, "a refused webhook's headers")?,
        bytes: number(row.get("bytes")?),
    })
}

fn counted(connection: &Connection, sql: &str, most: usize) -> Result<Vec<(PortalId, u64)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([most as i64])?;
    let mut counted = Vec::new();
    while let Some(row) = rows.next()? {
        counted.push((portal_id(&row.get::<_, String>("id")?)?, number(row.get("hooks")?)));
    }
    Ok(counted)
}

fn keep(transaction: &Transaction<'_>, refused: &[Refused]) -> Result<Vec<(PortalId, u64)>, StoreError> {
    let mut keep = transaction.prepare_cached(
        "INSERT INTO refused_hooks (portal, name, at, last_at, times, status, code, why, headers, bytes, body)
         SELECT no, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM portals WHERE id = ?1 AND deleted_at IS NULL
         ON CONFLICT (portal, name) DO UPDATE SET at = min(at, excluded.at), last_at = max(last_at, excluded.last_at),
             times = times + excluded.times, status = excluded.status, code = excluded.code, why = excluded.why,
             headers = excluded.headers, bytes = excluded.bytes, body = excluded.body",
    )?;
    let mut in_order: Vec<&Refused> = refused.iter().collect();
    in_order.sort_by_key(|one| one.at);
    for one in in_order {
        let Verdict { status, code, why } = &one.verdict;
        keep.execute(params![
            one.portal.as_str(),
            one.name,
            one.at.0,
            one.last_at.0,
            one.times.cast_signed(),
            status,
            code,
            why,
            columns::to_json(&one.headers),
            one.bytes() as i64,
            one.body,
        ])?;
    }
    let mut bound = transaction.prepare_cached(
        "DELETE FROM refused_hooks WHERE no IN (
             SELECT no FROM (
                 SELECT no, row_number() OVER newest AS nth, sum(bytes + ?4) OVER newest AS weighed FROM refused_hooks
                 WHERE portal = (SELECT no FROM portals WHERE id = ?1) WINDOW newest AS (ORDER BY at DESC, no DESC))
             WHERE nth > ?2 OR weighed > ?3)",
    )?;
    let portals: BTreeSet<&PortalId> = refused.iter().map(|one| &one.portal).collect();
    let mut gone = Vec::new();
    for portal in portals {
        let limits = (REFUSED_HOOKS as i64, REFUSED_HOOKS_BYTES as i64, REFUSED_HOOK_WEIGHT as i64);
        let dropped = bound.execute(params![portal.as_str(), limits.0, limits.1, limits.2])?;
        if dropped > 0 {
            gone.push((portal.clone(), dropped as u64));
        }
    }
    Ok(gone)
}

fn list(
    snapshot: &Connection,
    portal: &PortalId,
    after: u64,
    limit: usize,
) -> Result<ListPart<RefusedHook>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {KEPT} FROM refused_hooks r JOIN portals p ON p.no = r.portal WHERE p.id = ?1 AND r.no > ?2
         ORDER BY r.no LIMIT ?3"
    ))?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![portal.as_str(), after, count(limit) + 1])?;
    let mut part = Filling::new(limit);
    while let Some(row) = rows.next()? {
        let hook = hook(row, portal)?;
        let headers: String = row.get("headers")?;
        if !part.take(weight([Some(&hook.verdict.why), Some(&headers), None]), || hook) {
            break;
        }
    }
    Ok(part.done)
}

fn one(snapshot: &Connection, portal: &PortalId, number: i64) -> Result<Option<(RefusedHook, Vec<u8>)>, StoreError> {
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {KEPT}, r.body AS body FROM refused_hooks r JOIN portals p ON p.no = r.portal WHERE p.id = ?1 AND r.no = ?2"
    ))?;
    let found = statement.query_row(params![portal.as_str(), number], |row| {
        let body: Vec<u8> = row.get("body")?;
        Ok(hook(row, portal).map(|hook| (hook, body)))
    });
    found.optional()?.transpose()
}

fn sweep(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<(PortalId, u64)>, StoreError> {
    let kept_for = i64::try_from(REFUSED_HOOKS_FOR.as_millis()).unwrap_or(i64::MAX);
    let old = format!(
        "SELECT no, portal FROM refused_hooks WHERE at < {}
            OR portal IN (SELECT no FROM portals WHERE deleted_at IS NOT NULL) ORDER BY no LIMIT ?1",
        at.0.saturating_sub(kept_for)
    );
    let sql = format!(
        "SELECT p.id AS id, count(*) AS hooks FROM ({old}) old JOIN portals p ON p.no = old.portal GROUP BY p.id"
    );
    let swept = counted(transaction, &sql, REFUSED_HOOKS_SWEPT)?;
    let sql = format!("DELETE FROM refused_hooks WHERE no IN (SELECT no FROM ({old}))");
    transaction.execute(&sql, [REFUSED_HOOKS_SWEPT as i64])?;
    Ok(swept)
}

/// A deletion takes them along.
pub(super) fn forget(transaction: &Transaction<'_>, portal: &PortalId) -> Result<(), StoreError> {
    let sql =
        "DELETE FROM refused_hooks WHERE portal IN (SELECT no FROM portals WHERE id = ?1 AND deleted_at IS NOT NULL)";
    transaction.execute(sql, [portal.as_str()])?;
    Ok(())
}

#[async_trait]
impl RefusedStore for SqlitePortals {
    async fn keep_refused(&self, refused: &[Refused]) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let refused = refused.to_vec();
        self.store.writer.write(move |transaction, _| keep(transaction, &refused)).await
    }

    async fn list_refused(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<RefusedHook>, StoreError> {
        let portal = portal.clone();
        self.store.readers.read(move |snapshot| list(snapshot, &portal, after, limit)).await
    }

    async fn refused_hook(&self, portal: &PortalId, number: u64) -> Result<Option<(RefusedHook, Vec<u8>)>, StoreError> {
        let (portal, number) = (portal.clone(), i64::try_from(number).unwrap_or(i64::MAX));
        self.store.readers.read(move |snapshot| one(snapshot, &portal, number)).await
    }

    async fn refused_in_order(
        &self,
        portal: &PortalId,
        after: (Timestamp, u64),
        limit: usize,
    ) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        let portal = portal.clone();
        let look = move |snapshot: &Connection| {
            let mut statement = snapshot.prepare_cached(
                "SELECT at, no FROM refused_hooks WHERE portal = (SELECT no FROM portals WHERE id = ?1)
                    AND (at, no) > (?2, ?3) ORDER BY at, no LIMIT ?4",
            )?;
            let no = i64::try_from(after.1).unwrap_or(i64::MAX);
            let read = |row: &Row<'_>| Ok((Timestamp(row.get("at")?), number(row.get("no")?)));
            let found = statement.query_map(params![portal.as_str(), after.0.0, no, count(limit)], read)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?)
        };
        self.store.readers.read(look).await
    }

    async fn refuse_again(&self, portal: &PortalId, number: u64, verdict: &Verdict) -> Result<bool, StoreError> {
        let (portal, number) = (portal.clone(), i64::try_from(number).unwrap_or(i64::MAX));
        let Verdict { status, code, why } = verdict.clone();
        let write = move |transaction: &Transaction<'_>, _| {
            let sql = "UPDATE refused_hooks SET status = ?3, code = ?4, why = ?5
                WHERE no = ?2 AND portal = (SELECT no FROM portals WHERE id = ?1)";
            Ok(transaction.execute(sql, params![portal.as_str(), number, status, code, why])? > 0)
        };
        self.store.writer.write(write).await
    }

    async fn drop_refused(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let (portal, (first, last)) = (portal.clone(), which.numbers());
        let write = move |transaction: &Transaction<'_>, _| {
            let sql = "DELETE FROM refused_hooks WHERE portal = (SELECT no FROM portals WHERE id = ?1)
                AND no BETWEEN ?2 AND ?3";
            Ok(transaction.execute(sql, params![portal.as_str(), first, last])? as u64)
        };
        self.store.writer.write(write).await
    }

    async fn sweep_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        // There are none, mostly, and a write costs the disk a turn.
        if self.count_refused().await?.is_empty() {
            return Ok(vec![]);
        }
        self.store.writer.write(sweep).await
    }

    async fn count_refused(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let sql = "SELECT p.id AS id, count(*) AS hooks FROM refused_hooks r JOIN portals p ON p.no = r.portal
            GROUP BY p.id ORDER BY p.id LIMIT ?1";
        self.store.readers.read(move |snapshot| counted(snapshot, sql, usize::MAX >> 1)).await
    }
}
