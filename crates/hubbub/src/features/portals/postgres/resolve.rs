//! Where messages of portals go: sessions by their ids, events that are known, quarantine.

use super::{PostgresPortals, Row, StoreError};
use crate::{
    features::portals::store::{Incoming, Received, Resolved},
    store::{
        columns,
        postgres::{events, pool::Lease},
    },
};
use hubbub_core::{
    model::json::Json,
    portal::{
        PortalId,
        intake::{Addressee, Intake},
    },
};
use std::{collections::BTreeSet, sync::Arc};

impl PostgresPortals {
    /// With `quarantine` what is there counts as taken.
    pub(crate) async fn resolve_all(
        &self,
        messages: &[Arc<Incoming>],
        quarantine: bool,
    ) -> Result<Vec<Resolved>, StoreError> {
        let lease = self.store.pool.get().await?;
        let to = self.addressees(&lease, messages).await?;
        let mut intake = Intake::new(messages, to);
        self.know_taken(&lease, &mut intake).await?;
        if quarantine {
            self.know_quarantined(&lease, &mut intake).await?;
        }
        intake.join_repeats();
        for (n, portal) in intake.homeless() {
            let number = self.put_into_quarantine(&lease, portal, &messages[n]).await?;
            intake.know(n, Received::Quarantined(number));
        }
        lease.settle()?;
        Ok(intake.resolved())
    }

    async fn addressees(&self, lease: &Lease, messages: &[Arc<Incoming>]) -> Result<Vec<Addressee>, StoreError> {
        let ask = lease.prepare_cached(&self.sql.addressees).await?;
        let portals: Vec<&str> = messages.iter().map(|one| one.portal.as_str()).collect();
        let sessions: Vec<Option<&str>> = messages.iter().map(|one| one.session.as_deref()).collect();
        let externals: Vec<Option<&str>> = messages.iter().map(|one| one.external.as_deref()).collect();
        let rows = lease.query(&ask, &[&portals, &sessions, &externals]).await?;
        let read = |row: &Row| {
            let id: Option<&str> = row.get("session_id");
            let session = id.map(columns::room).transpose()?;
            Ok(Addressee { portal: row.get("portal_no"), session, external: row.get("external") })
        };
        rows.iter().map(read).collect()
    }

    /// Events that were taken before.
    async fn know_taken(&self, lease: &Lease, intake: &mut Intake<'_>) -> Result<(), StoreError> {
        let (of, portals, events) = named(intake);
        if of.is_empty() {
            return Ok(());
        }
        let known = lease.prepare_cached(&self.store.sql.known_events).await?;
        let mut rooms = BTreeSet::new();
        for row in lease.query(&known, &[&portals, &events]).await? {
            let (nth, session, place) = events::known(&row)?;
            if let Some(n) = of.get(nth) {
                rooms.insert(session.as_str().to_owned());
                intake.know(*n, Received::Repeated { session, place });
            }
        }
        if rooms.is_empty() {
            return Ok(());
        }
        // The portal is told that they are stored: not by a mere read. A lock's commit waits for the standby that the first may
        // not have waited for.
        let rooms: Vec<String> = rooms.into_iter().collect();
        let lock = lease.prepare_cached(&self.store.sql.lock).await?;
        lease.query(&lock, &[&rooms]).await?;
        Ok(())
    }

    /// Events that are in quarantine.
    async fn know_quarantined(&self, lease: &Lease, intake: &mut Intake<'_>) -> Result<(), StoreError> {
        let (of, portals, events) = named(intake);
        if of.is_empty() {
            return Ok(());
        }
        let held = lease.prepare_cached(&self.sql.held_events).await?;
        for row in lease.query(&held, &[&portals, &events]).await? {
            let nth = usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX);
            if let Some(n) = of.get(nth) {
                intake.know(*n, Received::Quarantined(row.get::<_, i64>("no").cast_unsigned()));
            }
        }
        Ok(())
    }

    async fn put_into_quarantine(&self, lease: &Lease, portal: i64, message: &Incoming) -> Result<u64, StoreError> {
        let keep = lease.prepare_cached(&self.sql.quarantine).await?;
        let held = lease.prepare_cached(&self.sql.in_quarantine).await?;
        let (text, data) = (message.message.text.as_str(), message.message.data.as_ref().map(Json::as_str));
        let author = message.from.as_str();
        let made = lease
            .query_opt(
                &keep,
                &[&portal, &message.event, &message.session, &message.external, &author, &text, &data, &message.id],
            )
            .await?;
        let row = match made {
            Some(row) => row,
            None => lease.query_one(&held, &[&portal, &message.event, &message.id]).await?,
        };
        Ok(row.get::<_, i64>("no").cast_unsigned())
    }

    pub(crate) async fn resolve_one_quarantined(
        &self,
        number: u64,
        message: &Arc<Incoming>,
    ) -> Result<Option<Resolved>, StoreError> {
        let portal = message.portal.as_str();
        if self.store.ask(&self.sql.is_in_quarantine, &[&portal, &number.cast_signed()]).await?.is_empty() {
            return Ok(None);
        }
        Ok(self.resolve_all(std::slice::from_ref(message), false).await?.pop())
    }

    pub(crate) async fn drop_event(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let lease = self.store.pool.get().await?;
        let drop = lease.prepare_cached(&self.sql.drop_quarantined).await?;
        let dropped = lease.execute(&drop, &[&portal.as_str(), &number.cast_signed()]).await?;
        lease.settle()?;
        Ok(dropped > 0)
    }
}

/// Messages with events: their places, their portals' numbers and the events.
fn named<'a>(intake: &Intake<'a>) -> (Vec<usize>, Vec<i64>, Vec<&'a str>) {
    let (mut of, mut portals, mut events) = (vec![], vec![], vec![]);
    for (n, portal, event) in intake.events() {
        of.push(n);
        portals.push(portal);
        events.push(event);
    }
    (of, portals, events)
}
