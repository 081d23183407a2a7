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
    limits::{AWAITED_FOR, EXTERNAL_HOLDERS, QUARANTINED},
    model::{ids::RoomId, json::Json},
    portal::{
        PortalId,
        externals::Holder,
        intake::{Addressee, Homeless, Intake},
    },
};
use std::{collections::BTreeSet, sync::Arc};
use tokio_postgres::types::ToSql;

impl PostgresPortals {
    /// With `quarantine` what is there counts as taken, and nothing overtakes it.
    pub(crate) async fn resolve_all(
        &self,
        messages: &[Arc<Incoming>],
        quarantine: bool,
    ) -> Result<Vec<Resolved>, StoreError> {
        let lease = self.store.pool.get().await?;
        let mut intake = Intake::new(messages, self.addressees(&lease, messages).await?);
        let mut rooms = self.know_taken(&lease, &mut intake).await?;
        if quarantine {
            self.know_quarantined(&lease, &mut intake).await?;
        } else {
            intake.overtake();
        }
        intake.join_repeats();
        let homeless = intake.homeless();
        if !homeless.is_empty() {
            // Whoever teaches one of these names has what waits for it leave: it must not do so just before it waits.
            lease.batch_execute(lease.begin()).await?;
            self.lock_names(&lease, &names(messages, &homeless)).await?;
            intake = Intake::new(messages, self.addressees(&lease, messages).await?);
            rooms = self.know_taken(&lease, &mut intake).await?;
            if quarantine {
                self.know_quarantined(&lease, &mut intake).await?;
            } else {
                intake.overtake();
            }
            intake.join_repeats();
            for one in intake.homeless() {
                // What was found only now has not its names locked: the next look finds it.
                if !homeless.iter().any(|locked| locked.n == one.n) {
                    lease.batch_execute("ROLLBACK").await?;
                    lease.give_back();
                    return Err(StoreError::Unavailable("what the messages name is being taught".into()));
                }
                if let Some(learned) = &one.learned {
                    self.learn_within(&lease, learned).await?;
                }
                match self.put_into_quarantine(&lease, &one, &messages[one.n]).await? {
                    Some(number) => intake.know(one.n, Received::Quarantined(number)),
                    None => intake.turn_away(&one),
                }
            }
            lease.batch_execute("COMMIT").await?;
        }
        if !rooms.is_empty() {
            // The portal is told that they are stored: not by a mere read. A lock's commit waits for the standby that the first
            // may not have waited for.
            let lock = lease.prepare_cached(&self.store.sql.lock).await?;
            lease.query(&lock, &[&rooms]).await?;
        }
        lease.settle()?;
        Ok(intake.resolved())
    }

    async fn addressees(&self, lease: &Lease, messages: &[Arc<Incoming>]) -> Result<Vec<Addressee>, StoreError> {
        let ask = lease.prepare_cached(&self.sql.addressees).await?;
        let portals: Vec<&str> = messages.iter().map(|one| one.portal.as_str()).collect();
        let sessions: Vec<Option<&str>> = messages.iter().map(|one| one.session.as_deref()).collect();
        let externals: Vec<Option<&str>> = messages.iter().map(|one| one.external.as_deref()).collect();
        let most = EXTERNAL_HOLDERS as i64;
        let rows = lease.query(&ask, &[&portals, &sessions, &externals, &most]).await?;
        rows.iter().map(addressee).collect()
    }

    /// Events that were taken before; says the rooms that they are in.
    async fn know_taken(&self, lease: &Lease, intake: &mut Intake<'_>) -> Result<Vec<String>, StoreError> {
        let (of, portals, events) = named(intake);
        if of.is_empty() {
            return Ok(vec![]);
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
        Ok(rooms.into_iter().collect())
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

    /// `None`: there is no room for it.
    async fn put_into_quarantine(
        &self,
        lease: &Lease,
        homeless: &Homeless,
        message: &Incoming,
    ) -> Result<Option<u64>, StoreError> {
        let keep = lease.prepare_cached(&self.sql.quarantine).await?;
        let held = lease.prepare_cached(&self.sql.in_quarantine).await?;
        let (text, data) =
            (message.message.content.text.as_str(), message.message.content.data.as_ref().map(Json::as_str));
        let (author, portal) = (message.from.as_str(), homeless.portal);
        let session = homeless.session.as_ref().map(RoomId::as_str);
        let within = homeless.expires.then_some(AWAITED_FOR.as_millis() as i64);
        let (most, external) = (QUARANTINED as i64, &message.external);
        let columns: [&(dyn ToSql + Sync); 12] = [
            &portal,
            &message.event,
            &message.session,
            external,
            &author,
            &text,
            &data,
            &message.id,
            &homeless.awaits,
            &session,
            &within,
            &most,
        ];
        let row = match lease.query_opt(&keep, &columns).await? {
            Some(row) => Some(row),
            None => lease.query_opt(&held, &[&portal, &message.event, &message.id]).await?,
        };
        Ok(row.map(|row| row.get::<_, i64>("no").cast_unsigned()))
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

/// What messages name, with their portals' numbers.
fn names<'a>(messages: &'a [Arc<Incoming>], homeless: &[Homeless]) -> Vec<(i64, &'a str)> {
    let named = homeless.iter().flat_map(|one| {
        let message = &messages[one.n];
        [&message.session, &message.external].into_iter().flatten().map(|name| (one.portal, name.as_str()))
    });
    named.collect()
}

fn addressee(row: &Row) -> Result<Addressee, StoreError> {
    let id: Option<&str> = row.get("session_id");
    let ids: Vec<&str> = row.get::<_, Option<_>>("ids").unwrap_or_default();
    let made: Vec<i64> = row.get::<_, Option<_>>("made").unwrap_or_default();
    let open: Vec<bool> = row.get::<_, Option<_>>("open").unwrap_or_default();
    let current: Vec<bool> = row.get::<_, Option<_>>("current").unwrap_or_default();
    let holders = ids.into_iter().zip(made).zip(open.into_iter().zip(current));
    let holder = |((id, made), (open, current))| {
        Ok::<_, StoreError>(Holder { session: columns::room(id)?, made, open, current })
    };
    Ok(Addressee {
        portal: row.get("portal_no"),
        session: id.map(columns::room).transpose()?,
        has_external: row.get("has_external"),
        holders: holders.map(holder).collect::<Result<_, _>>()?,
        behind: row.get("behind"),
        under_way: row.get("under_way"),
    })
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
