//! What was done outside of any room's log.

use super::super::{
    StoreError,
    audit::{AuditFilter, AuditedAct, NewAct},
    columns::{self, count},
};
use hubbub_core::{
    limits::{AUDIT_DAYS, AUDIT_FORGOTTEN},
    log::room::ListPart,
    model::{ids::UserId, time::Timestamp},
};
use rusqlite::{Connection, Transaction, params};

pub(crate) fn begin(transaction: &Transaction<'_>, new: &NewAct, at: Timestamp) -> Result<u64, StoreError> {
    let kept = i64::from(AUDIT_DAYS) * 86_400_000;
    transaction
        .prepare_cached("DELETE FROM audit WHERE no IN (SELECT no FROM audit ORDER BY no LIMIT ?2) AND at < ?1")?
        .execute(params![at.0 - kept, AUDIT_FORGOTTEN as i64])?;
    transaction
        .prepare_cached("INSERT INTO audit (at, actor, act, subject) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![at.0, new.actor.as_str(), new.act, new.subject])?;
    Ok(transaction.last_insert_rowid().cast_unsigned())
}

pub(crate) fn end(transaction: &Transaction<'_>, number: u64, outcome: &str) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached("UPDATE audit SET outcome = ?2 WHERE no = ?1")?;
    statement.execute(params![number.cast_signed(), outcome])?;
    Ok(())
}

pub(crate) fn list(
    snapshot: &Connection,
    filter: &AuditFilter,
    limit: usize,
) -> Result<ListPart<AuditedAct>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT no, at, actor, act, subject, outcome FROM audit
         WHERE no < ?1 AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR act = ?3)
            AND (?4 IS NULL OR substr(subject, 1, length(?4)) = ?4)
         ORDER BY no DESC LIMIT ?5",
    )?;
    let actor = filter.actor.as_ref().map(UserId::as_str);
    let mut rows = statement.query(params![filter.bound(), actor, filter.act, filter.subject, count(limit) + 1])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(AuditedAct {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            at: Timestamp(row.get(1)?),
            actor: columns::user(&row.get::<_, String>(2)?)?,
            act: row.get(3)?,
            subject: row.get(4)?,
            outcome: row.get(5)?,
        });
    }
    Ok(ListPart::cut(items, count(limit).cast_unsigned()))
}
