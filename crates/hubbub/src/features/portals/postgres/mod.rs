//! Portals, sessions and dead letters in Postgres.

use crate::{
    features::portals::store::{
        Backlog, Claim, DeadLetter, Filter, Incoming, Learned, Opened, Orphan, Portal, PortalStanding, PortalStore,
        Quarantined, Releasable, Resolved, Session, SessionProposal, Settlement, Steer, Trouble, Wanted, Which,
        portal_id,
    },
    log::Summary,
    store::{
        StoreError,
        columns::{self, ENTRY_BYTES},
        postgres::{PostgresStore, connect::patiently, lists::part},
    },
};
use async_trait::async_trait;
use hubbub_core::{
    limits::PAGE_BYTES,
    log::room::ListPart,
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    portal::PortalId,
};
use std::{sync::Arc, time::Duration};
use tokio_postgres::{Row, types::ToSql};

mod changes;
mod claim;
mod dead_letters;
mod externals;
mod grants;
mod quarantine;
mod refused;
mod resolve;
mod sessions;
mod settle;
mod sql;
mod steer;

/// Portals whose rows cannot be read.
static UNREADABLE: Summary = Summary::new("a portal cannot be read, and is not served");

/// Portals and what belongs to them, in the database of a store of logs.
pub struct PostgresPortals {
    store: Arc<PostgresStore>,
    sql: sql::Texts,
}

impl PostgresPortals {
    /// Beside the logs of this store, in the same schema.
    pub fn new(store: Arc<PostgresStore>) -> Self {
        Self { sql: sql::Texts::new(&store.schema), store }
    }
}

/// A list of which the conditions depend on what is asked.
struct Listing<'a> {
    which: String,
    params: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Listing<'a> {
    /// `params`: what every such list is asked with.
    fn new(params: &[&'a (dyn ToSql + Sync)]) -> Self {
        Self { which: "TRUE".into(), params: params.to_vec() }
    }

    /// Only those of which this holds; the `?` in it is `value`.
    fn only(&mut self, condition: &str, value: &'a (dyn ToSql + Sync)) {
        self.params.push(value);
        self.which += " AND ";
        self.which += &condition.replace('?', &format!("${}", self.params.len()));
    }
}

/// What lists may weigh, and what each item does beside its content.
const BYTES: i64 = PAGE_BYTES as i64;
const EACH: i64 = ENTRY_BYTES as i64;

/// A number after which a list begins, as the database counts.
fn beyond(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(number: i64) -> u64 {
    number.cast_unsigned()
}

impl PostgresPortals {
    async fn list_portals(&self) -> Result<Vec<Portal>, StoreError> {
        let rows = self.store.ask(&self.sql.portals, &[]).await?;
        let read = |row: &Row| {
            Ok(Portal {
                id: portal_id(row.get("id"))?,
                settings: columns::json(row.get("settings"), "a portal's settings")?,
                secrets: columns::json(row.get("secrets"), "a portal's secrets")?,
                standing: PortalStanding::parse(row.get("standing"), row.get("why")),
                revision: number(row.get("revision")),
                created_at: Timestamp(row.get("created_at")),
                succeeded_at: row.get::<_, Option<i64>>("succeeded_at").map(Timestamp),
                locked: None,
                trouble: row.get::<_, Option<&str>>("trouble").and_then(|json| serde_json::from_str(json).ok()),
            })
        };
        // One that cannot be read, of a newer version perhaps, does not keep the others from their work.
        let readable = |row: &Row| read(row).map_err(|error| unreadable(row.get("id"), &error)).ok();
        Ok(rows.iter().filter_map(readable).collect())
    }

    async fn put_portal(&self, portal: &Portal, revision: Option<u64>) -> Result<bool, StoreError> {
        let (settings, secrets) = (columns::to_json(&portal.settings), columns::to_json(&portal.secrets));
        let (standing, why) = (portal.standing.word(), portal.standing.why());
        let id = portal.id.as_str();
        let lease = self.store.pool.get().await?;
        let written = if let Some(revision) = revision {
            let write = lease.prepare_cached(&self.sql.write_portal).await?;
            let revision = revision.cast_signed();
            lease.execute(&write, &[&id, &revision, &settings, &secrets, &standing, &why]).await?
        } else {
            let create = lease.prepare_cached(&self.sql.create_portal).await?;
            lease.execute(&create, &[&id, &settings, &secrets, &standing, &why]).await?
        };
        lease.settle()?;
        // What waited for it may go now.
        self.store.due.notify_one();
        Ok(written > 0)
    }
}

fn unreadable(portal: &str, error: &StoreError) {
    UNREADABLE.note_of(portal, || error);
}

#[async_trait]
impl PortalStore for PostgresPortals {
    async fn portals(&self) -> Result<Vec<Portal>, StoreError> {
        patiently(self.list_portals()).await
    }

    async fn create_portal(&self, portal: &Portal) -> Result<bool, StoreError> {
        patiently(self.put_portal(portal, None)).await
    }

    async fn write_portal(&self, portal: &Portal) -> Result<bool, StoreError> {
        patiently(self.put_portal(portal, Some(portal.revision))).await
    }

    async fn note_trouble(&self, portal: &PortalId, trouble: Option<&Trouble>) -> Result<(), StoreError> {
        let trouble = trouble.map(columns::to_json);
        patiently(self.store.ask(&self.sql.note_trouble, &[&portal.as_str(), &trouble])).await.map(drop)
    }

    async fn delete_portal(&self, portal: &PortalId) -> Result<bool, StoreError> {
        patiently(self.mark_deleted(portal)).await
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<Orphan>, StoreError> {
        patiently(self.list_orphans(limit)).await
    }

    async fn steer(&self, session: &RoomId, how: &Steer) -> Result<bool, StoreError> {
        patiently(self.steer_session(session, how)).await
    }

    async fn open_session(&self, new: &SessionProposal) -> Result<Opened, StoreError> {
        patiently(self.open(new)).await
    }

    async fn session(&self, id: &RoomId) -> Result<Option<Session>, StoreError> {
        patiently(self.one_session(id)).await
    }

    async fn sessions(
        &self,
        filter: &Filter,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<Session>, StoreError> {
        patiently(self.list_sessions(filter, after, limit)).await
    }

    async fn resolve(&self, messages: &[Arc<Incoming>]) -> Result<Vec<Resolved>, StoreError> {
        patiently(self.resolve_all(messages, true)).await
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        patiently(self.learn_all(learned)).await
    }

    async fn called(&self, portal: &PortalId, external: &str) -> Result<Vec<RoomId>, StoreError> {
        patiently(self.sessions_called(portal, external)).await
    }

    async fn removed_by(&self, session: &RoomId, user: &UserId) -> Result<Option<UserId>, StoreError> {
        patiently(self.who_removed(session, user)).await
    }

    async fn claim(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError> {
        patiently(self.claim_due(wanted, lease)).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        patiently(self.settle_all(settlements)).await
    }

    async fn note_echoes(&self, session: &RoomId, seq: Seq, events: &[String]) -> Result<(), StoreError> {
        self.store.ask(&self.sql.note_echoes, &[&session.as_str(), &columns::number(seq), &events]).await.map(drop)
    }

    async fn succeeded(&self, portals: &[PortalId]) -> Result<(), StoreError> {
        let ids: Vec<&str> = portals.iter().map(PortalId::as_str).collect();
        patiently(self.store.ask(&self.sql.succeeded, &[&ids])).await.map(drop)
    }

    async fn dead_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<DeadLetter>, StoreError> {
        patiently(self.list_dead_letters(filter, after, limit)).await
    }

    async fn replay(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        patiently(self.replay_dead_letters(portal, which)).await
    }

    async fn discard(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        patiently(self.discard_dead_letter(portal, number)).await
    }

    async fn quarantined(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<Quarantined>, StoreError> {
        patiently(self.list_quarantined(portal, after, limit)).await
    }

    async fn releasable(&self) -> Result<Vec<Releasable>, StoreError> {
        patiently(self.list_releasable()).await
    }

    async fn released(&self, gone: &[u64], held: &[u64]) -> Result<(), StoreError> {
        patiently(self.note_released(gone, held)).await
    }

    async fn sweep_quarantine(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        patiently(self.sweep()).await
    }

    async fn resolve_quarantined(&self, number: u64, message: &Arc<Incoming>) -> Result<Option<Resolved>, StoreError> {
        patiently(self.resolve_one_quarantined(number, message)).await
    }

    async fn drop_quarantined(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        patiently(self.drop_event(portal, number)).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows = patiently(self.store.ask(&self.sql.backlog, &[])).await?;
        let read = |row: &Row| {
            Ok(Backlog {
                portal: portal_id(row.get("id"))?,
                waiting: number(row.get("waiting")),
                oldest: row.get::<_, Option<i64>>("oldest").map(Timestamp),
                dead: number(row.get("dead")),
                quarantined: number(row.get("quarantined")),
            })
        };
        rows.iter().map(read).collect()
    }
}
