//! Edits and deletions that wait for their message, in Postgres.

use super::{PostgresPortals, Row, number};
use crate::{
    features::portals::{
        changes::store::{ChangeStore, KnownMessage},
        store::portal_id,
    },
    store::{StoreError, columns, postgres::connect::patiently},
};
use async_trait::async_trait;
use hubbub_core::{
    limits::{AWAITED_FOR, CHANGES_TOGETHER, CHANGES_WAITING},
    log::{content::Content, kinds::Text},
    model::{ids::RoomId, json::Json, seq::Seq},
    portal::{
        PortalId,
        incoming_change::{Becomes, DueChange, IncomingChange, Target, WaitingChange},
    },
};
use tokio_postgres::types::ToSql;

fn due(row: &Row) -> Result<DueChange, StoreError> {
    let content = Content {
        data: row.get::<_, Option<String>>("data").map(Json::trusted),
        ..Content::text(Text::trusted(row.get("text")))
    };
    let change = IncomingChange {
        portal: portal_id(row.get("portal_id"))?,
        targets: [row.get::<_, Option<String>>("target"), row.get("other")].into_iter().flatten().collect(),
        event: row.get("event"),
        from: columns::user(row.get("author"))?,
        becomes: if row.get::<_, &str>("means") == "edit" { Becomes::Edited(content) } else { Becomes::Deleted },
    };
    let target = Target {
        portal: row.get("portal"),
        session: columns::room(row.get("room_id"))?,
        seq: columns::seq(row.get("seq")),
    };
    Ok(DueChange { waiting: WaitingChange { number: number(row.get("no")), change }, target })
}

#[async_trait]
impl ChangeStore for PostgresPortals {
    async fn keep_change(&self, change: &IncomingChange) -> Result<bool, StoreError> {
        let [target, other] = [change.targets.first(), change.targets.get(1)];
        let content = change.becomes.content();
        let text = content.map_or("", |content| content.text.as_str());
        let data = content.and_then(|content| content.data.as_ref()).map(Json::as_str);
        let (portal, means, author) = (change.portal.as_str(), change.becomes.word(), change.from.as_str());
        let (within, most) = (AWAITED_FOR.as_millis() as i64, CHANGES_WAITING as i64);
        let params: [&(dyn ToSql + Sync); 10] =
            [&portal, &target, &other, &change.event, &author, &means, &text, &data, &within, &most];
        if !patiently(self.store.ask(&self.sql.keep_change, &params)).await?.is_empty() {
            return Ok(true);
        }
        Ok(!patiently(self.store.ask(&self.sql.kept_change, &[&portal, &change.event])).await?.is_empty())
    }

    async fn changes_wait(&self, portal: &PortalId, targets: &[String]) -> Result<bool, StoreError> {
        let portal = portal.as_str();
        Ok(!patiently(self.store.ask(&self.sql.changes_wait, &[&portal, &targets])).await?.is_empty())
    }

    async fn due_changes(&self, except: &[RoomId]) -> Result<Vec<DueChange>, StoreError> {
        let most = CHANGES_TOGETHER as i64;
        let except: Vec<&str> = except.iter().map(RoomId::as_str).collect();
        patiently(self.store.ask(&self.sql.due_changes, &[&most, &except])).await?.iter().map(due).collect()
    }

    async fn drop_changes(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let numbers: Vec<i64> = numbers.iter().map(|number| number.cast_signed()).collect();
        patiently(self.store.ask(&self.sql.drop_changes, &[&numbers])).await.map(drop)
    }

    async fn sweep_changes(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        let rows = patiently(self.store.ask(&self.sql.sweep_changes, &[])).await?;
        rows.iter().map(|row| Ok((portal_id(row.get("id"))?, number(row.get("events"))))).collect()
    }

    async fn known_message(&self, session: &RoomId, seq: Seq) -> Result<Option<KnownMessage>, StoreError> {
        let (session, seq) = (session.as_str(), columns::number(seq));
        let rows = patiently(self.store.ask(&self.sql.known_message, &[&session, &seq])).await?;
        let read = |row: &Row| KnownMessage { id: row.get("id"), gone: row.get("gone"), events: row.get("events") };
        Ok(rows.first().map(read))
    }
}
