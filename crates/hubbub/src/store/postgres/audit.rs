//! What was done outside of any room's log.

use super::{
    super::{
        StoreError,
        audit::{AuditFilter, AuditedAct, NewAct},
        columns::{self, count},
    },
    PostgresStore,
    sql::texts,
};
use hubbub_core::{
    limits::{AUDIT_DAYS, AUDIT_FORGOTTEN},
    log::room::ListPart,
    model::{ids::UserId, time::Timestamp},
};
use tokio_postgres::Row;

const KEPT: i64 = AUDIT_DAYS as i64 * 86_400_000;
const SOME: i64 = AUDIT_FORGOTTEN as i64;

texts! {
    begin = "WITH clock AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
        old AS (
            DELETE FROM hubbub.audit WHERE no IN (
                SELECT o.no FROM (SELECT no, at FROM hubbub.audit ORDER BY no LIMIT $5::bigint) o, clock WHERE o.at < clock.now - $4::bigint))
        INSERT INTO hubbub.audit (at, actor, act, subject) SELECT clock.now, $1::text, $2::text, $3::text FROM clock RETURNING no";
    end = "UPDATE hubbub.audit SET outcome = $2 WHERE no = $1";
    list = "SELECT * FROM hubbub.audit
        WHERE no < $1::bigint AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR act = $3)
            AND ($4::text IS NULL OR starts_with(subject, $4))
        ORDER BY no DESC LIMIT $5::bigint + 1";
}

impl PostgresStore {
    pub(crate) async fn note_act(&self, new: &NewAct) -> Result<u64, StoreError> {
        let rows = self.ask(&self.audit.begin, &[&new.actor.as_str(), &new.act, &new.subject, &KEPT, &SOME]).await?;
        let number = rows.first().map(|row| row.get::<_, i64>(0).cast_unsigned());
        number.ok_or_else(|| StoreError::Broken("an act without a number".into()))
    }

    pub(crate) async fn note_outcome(&self, number: u64, outcome: &str) -> Result<(), StoreError> {
        self.ask(&self.audit.end, &[&number.cast_signed(), &outcome]).await.map(drop)
    }

    pub(crate) async fn list_acts(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<ListPart<AuditedAct>, StoreError> {
        let actor = filter.actor.as_ref().map(UserId::as_str);
        let (before, most) = (filter.bound(), count(limit));
        let rows = self.ask(&self.audit.list, &[&before, &actor, &filter.act, &filter.subject, &most]).await?;
        let act = |row: &Row| {
            Ok(AuditedAct {
                number: row.get::<_, i64>("no").cast_unsigned(),
                at: Timestamp(row.get("at")),
                actor: columns::user(row.get("actor"))?,
                act: row.get("act"),
                subject: row.get("subject"),
                outcome: row.get("outcome"),
            })
        };
        Ok(ListPart::cut(rows.iter().map(act).collect::<Result<_, StoreError>>()?, most.cast_unsigned()))
    }
}
