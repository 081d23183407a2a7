//! The portals' own ids of conversations: learned, and whose they are.
//!
//! Whoever teaches an id has what waits for it leave quarantine, in the same transaction; whoever puts something into quarantine
//! looks once more whether its session is known. Both have the names locked meanwhile: so neither misses the other.

use super::{PostgresPortals, StoreError};
use crate::store::{columns, postgres::pool::Lease};
use hubbub_core::{
    limits::{EXTERNAL_HOLDERS, EXTERNALS_PER_SESSION},
    model::ids::{RoomId, UserId},
    portal::{
        PortalId,
        externals::{Learned, Teacher},
    },
};

impl PostgresPortals {
    /// Locks names of conversations, of sessions and of portals (by their number) alike, until the transaction ends. Rooms and
    /// cursors are locked before, or not at all.
    pub(super) async fn lock_names(&self, lease: &Lease, names: &[(i64, &str)]) -> Result<(), StoreError> {
        let (portals, names): (Vec<i64>, Vec<&str>) = names.iter().copied().unzip();
        let lock = lease.prepare_cached(&self.sql.lock_names).await?;
        lease.query(&lock, &[&portals, &names]).await?;
        Ok(())
    }

    /// Keeps an id in the transaction that there is, in which its name is locked, and has what waits for it leave quarantine.
    pub(super) async fn learn_within(&self, lease: &Lease, learned: &Learned) -> Result<(), StoreError> {
        let Learned { session, external, by } = learned;
        let (leads, even_shared) = (by.leads(), *by == Teacher::Answer);
        let (keep, learn, forget, bind) = tokio::try_join!(
            lease.prepare_cached(&self.sql.keep_former),
            lease.prepare_cached(&self.sql.learn),
            lease.prepare_cached(&self.sql.forget_former),
            lease.prepare_cached(&self.sql.bind),
        )?;
        let (session, most) = (session.as_str(), EXTERNALS_PER_SESSION as i64);
        let (kept, learned, forgotten, bound) = tokio::join!(
            biased;
            async { lease.execute(&keep, &[&session]).await },
            async { lease.execute(&learn, &[&session, external, &leads, &even_shared]).await },
            async { lease.execute(&forget, &[&session, &most]).await },
            async { lease.execute(&bind, &[&session, external]).await },
        );
        kept.and(learned).and(forgotten).and(bound)?;
        Ok(())
    }

    pub(crate) async fn learn_all(&self, learned: &[Learned]) -> Result<(), StoreError> {
        for one in learned {
            let lease = self.store.pool.get().await?;
            let portal = lease.prepare_cached(&self.sql.portal_of_session).await?;
            let Some(portal) = lease.query_opt(&portal, &[&one.session.as_str()]).await? else {
                lease.give_back();
                continue;
            };
            lease.batch_execute(lease.begin()).await?;
            self.lock_names(&lease, &[(portal.get("portal"), &one.external)]).await?;
            self.learn_within(&lease, one).await?;
            lease.batch_execute("COMMIT").await?;
            lease.settle()?;
            if one.by.leads() {
                self.tell_program_before(&one.session, &one.external).await;
            }
        }
        Ok(())
    }

    /// An instance of the program before looks elsewhere. Lost, it finds fewer sessions for as long as it runs.
    pub(super) async fn tell_program_before(&self, session: &RoomId, external: &str) {
        let told = self.store.ask(&self.sql.tell_program_before, &[&session.as_str(), &external]).await;
        if let Err(error) = told {
            tracing::debug!(%error, %session, "a portal's id of a conversation was not kept for the program before");
        }
    }

    pub(crate) async fn sessions_called(&self, portal: &PortalId, external: &str) -> Result<Vec<RoomId>, StoreError> {
        let most = EXTERNAL_HOLDERS as i64;
        let rows = self.store.ask(&self.sql.holders, &[&portal.as_str(), &external, &most]).await?;
        rows.iter().map(|row| columns::room(row.get("id"))).collect()
    }

    pub(crate) async fn who_removed(&self, session: &RoomId, user: &UserId) -> Result<Option<UserId>, StoreError> {
        let rows = self.store.ask(&self.sql.left_by, &[&session.as_str(), &user.as_str()]).await?;
        rows.first().map(|row| columns::user(row.get("author"))).transpose()
    }
}
