//! Portals, sessions and dead letters in a file.

use crate::{
    features::portals::store::{
        Backlog, Claim, DeadLetter, Filter, Incoming, Learned, Opened, Orphan, Portal, PortalStanding, PortalStore,
        Quarantined, Releasable, Resolved, Session, SessionProposal, Settlement, Steer, Trouble, Wanted, Which,
        portal_id,
    },
    log::Summary,
    store::{
        StoreError, columns,
        sqlite::{self, SqliteStore},
    },
};
use async_trait::async_trait;
use hubbub_core::{
    log::room::ListPart,
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    portal::PortalId,
};
use rusqlite::{Connection, params};
use std::{sync::Arc, time::Duration};

mod changes;
mod claims;
mod dead_letters;
mod externals;
mod grants;
mod quarantine;
mod refused;
mod resolve;
mod sessions;
mod steer;

/// Portals whose rows cannot be read.
static UNREADABLE: Summary = Summary::new("a portal cannot be read, and is not served");

/// Portals and what belongs to them, in the file of a store of logs.
pub struct SqlitePortals {
    store: Arc<SqliteStore>,
}

impl SqlitePortals {
    /// Beside the logs of this store.
    pub const fn new(store: Arc<SqliteStore>) -> Self {
        Self { store }
    }
}

fn number(number: i64) -> u64 {
    number.cast_unsigned()
}

fn list(snapshot: &Connection) -> Result<Vec<Portal>, StoreError> {
    let mut statement = snapshot.prepare_cached(
        "SELECT id, settings, secrets, standing, why, revision, created_at, succeeded_at, trouble FROM portals
         WHERE deleted_at IS NULL ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut portals = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |name: &str| row.get::<_, String>(name);
        let (id, settings, secrets) = (text("id")?, text("settings")?, text("secrets")?);
        let (standing, why): (String, Option<String>) = (text("standing")?, row.get("why")?);
        let (revision, created_at) = (row.get("revision")?, row.get("created_at")?);
        let succeeded_at: Option<i64> = row.get("succeeded_at")?;
        let trouble: Option<String> = row.get("trouble")?;
        let portal = || {
            Ok::<_, StoreError>(Portal {
                id: portal_id(&id)?,
                settings: columns::json(&settings, "a portal's settings")?,
                secrets: columns::json(&secrets, "a portal's secrets")?,
                standing: PortalStanding::parse(&standing, why.as_deref()),
                revision: number(revision),
                created_at: Timestamp(created_at),
                succeeded_at: succeeded_at.map(Timestamp),
                locked: None,
                trouble: trouble.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            })
        };
        match portal() {
            Ok(portal) => portals.push(portal),
            // One of a newer version perhaps: the others are served.
            Err(error) => UNREADABLE.note_of(&id, || error),
        }
    }
    Ok(portals)
}

/// The settings, secrets, standing and reason of a portal as they lie in its row.
fn row(portal: &Portal) -> (String, String, &'static str, Option<String>) {
    let (settings, secrets) = (columns::to_json(&portal.settings), columns::to_json(&portal.secrets));
    (settings, secrets, portal.standing.word(), portal.standing.why().map(ToOwned::to_owned))
}

fn backlog(snapshot: &Connection) -> Result<Vec<Backlog>, StoreError> {
    // Each half by an index of its own: sessions with nothing to do are not looked at.
    let mut statement = snapshot.prepare_cached(
        "SELECT p.id AS id,
            (SELECT count(*) FROM cursors c WHERE c.portal = p.no AND c.due_at IS NOT NULL AND NOT c.blocked
                AND c.position < c.head) AS due,
            (SELECT count(*) FROM cursors c WHERE c.portal = p.no AND c.blocked AND c.position < c.head) AS blocked,
            (SELECT min(waiting_since) FROM cursors c WHERE c.portal = p.no AND c.due_at IS NOT NULL
                AND c.position < c.head) AS oldest_due,
            (SELECT min(waiting_since) FROM cursors c WHERE c.portal = p.no AND c.blocked
                AND c.position < c.head) AS oldest_blocked,
            (SELECT count(*) FROM dead_letters d WHERE d.portal = p.no AND d.delivered_at IS NULL
                AND NOT coalesce((SELECT e.gone FROM entries e WHERE e.room = d.room AND e.seq = d.seq), 0)) AS dead,
            (SELECT count(*) FROM quarantine q WHERE q.portal = p.no) AS quarantined
         FROM portals p WHERE p.deleted_at IS NULL ORDER BY p.id",
    )?;
    let mut rows = statement.query([])?;
    let mut backlog = Vec::new();
    while let Some(row) = rows.next()? {
        let (due, blocked): (Option<i64>, Option<i64>) = (row.get("oldest_due")?, row.get("oldest_blocked")?);
        backlog.push(Backlog {
            portal: portal_id(&row.get::<_, String>("id")?)?,
            waiting: number(row.get("due")?) + number(row.get("blocked")?),
            oldest: due.into_iter().chain(blocked).min().map(Timestamp),
            dead: number(row.get("dead")?),
            quarantined: number(row.get("quarantined")?),
        });
    }
    Ok(backlog)
}

#[async_trait]
impl PortalStore for SqlitePortals {
    async fn portals(&self) -> Result<Vec<Portal>, StoreError> {
        self.store.readers.read(list).await
    }

    async fn create_portal(&self, portal: &Portal) -> Result<bool, StoreError> {
        let (id, (settings, secrets, standing, why)) = (portal.id.clone(), row(portal));
        self.store
            .writer
            .write(move |transaction, at| {
                let made = transaction.execute(
                    "INSERT INTO portals (id, settings, secrets, standing, why, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
                    params![id.as_str(), settings, secrets, standing, why, at.0],
                )?;
                Ok(made > 0)
            })
            .await
            .inspect(|_| self.store.due.notify_one())
    }

    async fn write_portal(&self, portal: &Portal) -> Result<bool, StoreError> {
        let (id, revision, (settings, secrets, standing, why)) =
            (portal.id.clone(), portal.revision.cast_signed(), row(portal));
        self.store
            .writer
            .write(move |transaction, _| {
                let written = transaction.execute(
                    "UPDATE portals SET settings = ?3, secrets = ?4, standing = ?5, why = ?6, trouble = NULL,
                        revision = revision + 1 WHERE id = ?1 AND revision = ?2 AND deleted_at IS NULL",
                    params![id.as_str(), revision, settings, secrets, standing, why],
                )?;
                Ok(written > 0)
            })
            .await
            // What waited for it may go now.
            .inspect(|_| self.store.due.notify_one())
    }

    async fn note_trouble(&self, portal: &PortalId, trouble: Option<&Trouble>) -> Result<(), StoreError> {
        let (portal, trouble) = (portal.clone(), trouble.map(columns::to_json));
        self.store.writer.write(move |transaction, _| steer::note_trouble(transaction, &portal, trouble)).await
    }

    async fn delete_portal(&self, portal: &PortalId) -> Result<bool, StoreError> {
        let portal = portal.clone();
        self.store.writer.write(move |transaction, at| steer::delete_portal(transaction, &portal, at)).await
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<Orphan>, StoreError> {
        let (orphans, closing) = self.store.readers.read(move |snapshot| steer::orphans(snapshot, limit)).await?;
        if orphans.is_empty() && closing {
            self.store.writer.write(|transaction, _| steer::no_orphans(transaction)).await?;
        }
        Ok(orphans)
    }

    async fn steer(&self, session: &RoomId, how: &Steer) -> Result<bool, StoreError> {
        let (session, how) = (session.clone(), how.clone());
        self.store
            .writer
            .write(move |transaction, at| steer::steer(transaction, &session, &how, at))
            .await
            .inspect(|_| self.store.due.notify_one())
    }

    async fn open_session(&self, new: &SessionProposal) -> Result<Opened, StoreError> {
        let new = new.clone();
        self.store.writer.write(move |transaction, at| sessions::open(transaction, &new, at)).await
    }

    async fn session(&self, id: &RoomId) -> Result<Option<Session>, StoreError> {
        let id = id.clone();
        self.store.readers.read(move |snapshot| sessions::one(snapshot, &id)).await
    }

    async fn sessions(
        &self,
        filter: &Filter,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<Session>, StoreError> {
        let (filter, after) = (filter.clone(), after.cloned());
        self.store.readers.read(move |snapshot| sessions::list(snapshot, &filter, after.as_ref(), limit)).await
    }

    async fn resolve(&self, messages: &[Arc<Incoming>]) -> Result<Vec<Resolved>, StoreError> {
        let (messages, asked) = (messages.to_vec(), messages.to_vec());
        if let Some(resolved) =
            self.store.readers.read(move |snapshot| resolve::resolve(snapshot, &asked, true)).await?
        {
            return Ok(resolved);
        }
        self.store.writer.write(move |transaction, at| resolve::resolve_and_keep(transaction, &messages, at)).await
    }

    async fn learn(&self, learned: &[Learned]) -> Result<(), StoreError> {
        let learned = learned.to_vec();
        self.store
            .writer
            .write(move |transaction, at| learned.iter().try_for_each(|one| externals::learn(transaction, one, at)))
            .await
    }

    async fn called(&self, portal: &PortalId, external: &str) -> Result<Vec<RoomId>, StoreError> {
        let (portal, external) = (portal.clone(), external.to_owned());
        self.store.readers.read(move |snapshot| externals::called(snapshot, &portal, &external)).await
    }

    async fn removed_by(&self, session: &RoomId, user: &UserId) -> Result<Option<UserId>, StoreError> {
        let (session, user) = (session.clone(), user.clone());
        self.store.readers.read(move |snapshot| externals::removed_by(snapshot, &session, &user)).await
    }

    async fn claim(&self, wanted: &[Wanted], lease: Duration) -> Result<Vec<Claim>, StoreError> {
        let wanted = wanted.to_vec();
        // Most looks find nothing, and a write costs the disk a turn.
        let asked = wanted.clone();
        if !self.store.readers.read(move |snapshot| claims::is_any_due(snapshot, &asked, sqlite::now())).await? {
            return Ok(vec![]);
        }
        self.store.writer.write(move |transaction, at| claims::claim(transaction, &wanted, lease, at)).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        let settlements = settlements.to_vec();
        let (held, due) =
            self.store.writer.write(move |transaction, at| claims::settle(transaction, &settlements, at)).await?;
        if due {
            self.store.due.notify_one();
        }
        Ok(held)
    }

    async fn note_echoes(&self, session: &RoomId, seq: Seq, events: &[String]) -> Result<(), StoreError> {
        let (session, events) = (session.clone(), events.to_vec());
        self.store.writer.write(move |transaction, _| claims::note_echoes(transaction, &session, seq, &events)).await
    }

    async fn succeeded(&self, portals: &[PortalId]) -> Result<(), StoreError> {
        let portals = portals.to_vec();
        self.store
            .writer
            .write(move |transaction, at| {
                for portal in portals {
                    transaction.execute(
                        "UPDATE portals SET succeeded_at = ?2 WHERE id = ?1",
                        params![portal.as_str(), at.0],
                    )?;
                }
                Ok(())
            })
            .await
    }

    async fn dead_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<DeadLetter>, StoreError> {
        let filter = filter.clone();
        self.store.readers.read(move |snapshot| dead_letters::list(snapshot, &filter, after, limit)).await
    }

    async fn replay(&self, portal: &PortalId, which: Which) -> Result<u64, StoreError> {
        let portal = portal.clone();
        let replaying = self
            .store
            .writer
            .write(move |transaction, at| dead_letters::replay(transaction, &portal, which, at))
            .await?;
        self.store.due.notify_one();
        Ok(replaying)
    }

    async fn discard(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let portal = portal.clone();
        let gone = self
            .store
            .writer
            .write(move |transaction, at| dead_letters::discard(transaction, &portal, number, at))
            .await?;
        self.store.due.notify_one();
        Ok(gone)
    }

    async fn quarantined(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<Quarantined>, StoreError> {
        let portal = portal.clone();
        self.store.readers.read(move |snapshot| quarantine::list(snapshot, &portal, after, limit)).await
    }

    async fn resolve_quarantined(&self, number: u64, message: &Arc<Incoming>) -> Result<Option<Resolved>, StoreError> {
        let message = message.clone();
        let look = move |snapshot: &Connection| {
            if !resolve::is_in_quarantine(snapshot, &message.portal, number)? {
                return Ok(None);
            }
            let resolved = resolve::resolve(snapshot, std::slice::from_ref(&message), false)?;
            Ok(resolved.and_then(|mut resolved| resolved.pop()))
        };
        self.store.readers.read(look).await
    }

    async fn releasable(&self) -> Result<Vec<Releasable>, StoreError> {
        self.store.readers.read(quarantine::releasable).await
    }

    async fn released(&self, gone: &[u64], held: &[u64]) -> Result<(), StoreError> {
        let (gone, held) = (gone.to_vec(), held.to_vec());
        self.store.writer.write(move |transaction, _| quarantine::released(transaction, &gone, &held)).await
    }

    async fn sweep_quarantine(&self) -> Result<Vec<(PortalId, u64)>, StoreError> {
        if !self.store.readers.read(quarantine::does_anything_wait).await? {
            return Ok(vec![]);
        }
        self.store.writer.write(quarantine::sweep).await
    }

    async fn drop_quarantined(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let portal = portal.clone();
        self.store.writer.write(move |transaction, _| resolve::drop_event(transaction, &portal, number)).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.store.readers.read(backlog).await
    }
}
