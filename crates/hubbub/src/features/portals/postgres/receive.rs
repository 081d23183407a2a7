//! Messages of portals: each once per event, all of a batch in one transaction.

use super::{PostgresPortals, Row, StoreError};
use crate::{
    features::portals::store::{Incoming, Received},
    store::{
        columns::{self, seq},
        postgres::connect::Lease,
    },
};
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites},
        entry::Place,
        kinds::{Message, What},
    },
    model::{
        ids::RoomId,
        json::Json,
        seq::{Epoch, Seq},
        time::Timestamp,
    },
    portal::{
        PortalId,
        intake::{Addressee, Batch, introduce},
    },
};
use std::collections::{BTreeSet, HashSet};

impl PostgresPortals {
    /// With `quarantine` what is there counts as taken.
    pub(crate) async fn receive_all(
        &self,
        messages: &[Incoming],
        quarantine: bool,
    ) -> Result<Vec<Received>, StoreError> {
        let lease = self.store.pool.get().await?;
        let mut to = self.addressees(&lease, messages).await?;
        introduce(messages, &mut to);
        let mut batch = Batch::new(messages, &to);
        self.answer_known(&lease, &mut batch, messages.len()).await?;
        if quarantine {
            self.answer_quarantined(&lease, &mut batch, messages.len()).await?;
        }
        batch.set_repeats_aside();
        for n in batch.open(false) {
            if messages[n].quarantine
                && let Some(portal) = to[n].portal
            {
                let number = self.put_into_quarantine(&lease, portal, &messages[n]).await?;
                batch.answer(n, Received::Quarantined(number));
            }
        }
        self.store_known(&lease, &mut batch, messages.len()).await?;
        lease.settle();
        for (session, external) in batch.learned() {
            self.learn(session, external).await;
        }
        Ok(batch.answers())
    }

    async fn addressees(&self, lease: &Lease, messages: &[Incoming]) -> Result<Vec<Addressee>, StoreError> {
        let ask = lease.prepare_cached(&self.sql.addressees).await?;
        let portals: Vec<&str> = messages.iter().map(|one| one.portal.as_str()).collect();
        let sessions: Vec<Option<&str>> = messages.iter().map(|one| one.session.as_deref()).collect();
        let externals: Vec<Option<&str>> = messages.iter().map(|one| one.external.as_deref()).collect();
        let rows = lease.query(&ask, &[&portals, &sessions, &externals]).await?;
        let read = |row: &Row| {
            let id: Option<&str> = row.get("session_id");
            let session = id.map(|id| Ok::<_, StoreError>((columns::room(id)?, row.get("room")))).transpose()?;
            Ok(Addressee { portal: row.get("portal_no"), session, external: row.get("external") })
        };
        rows.iter().map(read).collect()
    }

    /// Answers events that were taken before.
    async fn answer_known(&self, lease: &Lease, batch: &mut Batch<'_>, messages: usize) -> Result<(), StoreError> {
        let named: Vec<_> = (0..messages).filter_map(|n| Some((n, batch.event(n)?))).collect();
        if named.is_empty() {
            return Ok(());
        }
        let known = lease.prepare_cached(&self.sql.known_events).await?;
        let (portals, events): (Vec<i64>, Vec<&str>) = named.iter().map(|(_, event)| *event).unzip();
        for row in lease.query(&known, &[&portals, &events]).await? {
            let nth = usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX);
            let Some((n, _)) = named.get(nth) else { continue };
            let part = |name: &str| columns::epoch_part(row.get(name));
            let epoch = Epoch { incarnation: part("incarnation")?, generation: part("generation")? };
            let place = Place { id: row.get("id"), seq: seq(row.get("seq")), epoch, at: Timestamp(row.get("at")) };
            batch.answer(*n, Received::Repeated { session: columns::room(row.get("session_id"))?, place });
        }
        Ok(())
    }

    async fn answer_quarantined(
        &self,
        lease: &Lease,
        batch: &mut Batch<'_>,
        messages: usize,
    ) -> Result<(), StoreError> {
        let named: Vec<_> = (0..messages).filter_map(|n| Some((n, batch.event(n)?))).collect();
        let held = lease.prepare_cached(&self.sql.held_events).await?;
        let (portals, events): (Vec<i64>, Vec<&str>) = named.iter().map(|(_, event)| *event).unzip();
        for row in lease.query(&held, &[&portals, &events]).await? {
            let nth = usize::try_from(row.get::<_, i64>("ord") - 1).unwrap_or(usize::MAX);
            if let Some((n, _)) = named.get(nth) {
                batch.answer(*n, Received::Quarantined(row.get::<_, i64>("no").cast_unsigned()));
            }
        }
        Ok(())
    }

    async fn put_into_quarantine(&self, lease: &Lease, portal: i64, message: &Incoming) -> Result<u64, StoreError> {
        let keep = lease.prepare_cached(&self.sql.quarantine).await?;
        let held = lease.prepare_cached(&self.sql.in_quarantine).await?;
        let (text, data) = match &message.draft.what {
            What::Message(Message { text, data, .. }) => (text.as_str(), data.as_ref().map(Json::as_str)),
            _ => ("", None),
        };
        let author = message.draft.from.as_str();
        let made = lease
            .query_opt(
                &keep,
                &[
                    &portal,
                    &message.event,
                    &message.session,
                    &message.external,
                    &author,
                    &text,
                    &data,
                    &message.draft.id,
                ],
            )
            .await?;
        let row = match made {
            Some(row) => row,
            None => lease.query_one(&held, &[&portal, &message.event, &message.draft.id]).await?,
        };
        Ok(row.get::<_, i64>("no").cast_unsigned())
    }

    /// The transaction: messages of sessions that are known.
    async fn store_known(&self, lease: &Lease, batch: &mut Batch<'_>, messages: usize) -> Result<(), StoreError> {
        let of = batch.open(true);
        if of.is_empty() {
            return Ok(());
        }
        let drafts = batch.drafts(&of);
        let (ledger, numbers, at) = match self.store.load(lease, &BatchReads::of(&drafts)).await {
            Err(StoreError::Locked) => {
                lease.batch_execute("ROLLBACK").await?;
                return Err(StoreError::Locked);
            }
            loaded => loaded?,
        };
        // Sorted, and behind the rooms: whoever takes the same events elsewhere waits for the first and holds none we wait for.
        let named: BTreeSet<_> = of.iter().filter_map(|n| Some((batch.event(*n)?, batch.room(*n)?))).collect();
        let taken = self.take_events(lease, &named).await?;
        let is_ours =
            |n: &usize| batch.event(*n).is_none_or(|(portal, event)| taken.contains(&(portal, event.to_owned())));
        let of: Vec<usize> = of.into_iter().filter(is_ours).collect();
        if taken.len() < named.len() {
            // Taken by somebody else while we waited: committed by now, and a statement of its own sees it.
            self.answer_known(lease, batch, messages).await?;
        }
        let fresh = batch.answer_logged(&of, &ledger);
        let drafts = batch.drafts(&fresh);
        let decided = BatchWrites::of(ledger, &drafts, at);
        let refused = batch.decided(&fresh, &drafts, &decided.outcomes);
        self.number_events(lease, &batch.numbered(&of)).await?;
        let refused: Vec<_> = refused.into_iter().filter_map(|n| batch.event(n)).collect();
        if !refused.is_empty() {
            let drop = lease.prepare_cached(&self.sql.drop_events).await?;
            let (portals, events): (Vec<i64>, Vec<&str>) = refused.into_iter().unzip();
            lease.execute(&drop, &[&portals, &events]).await?;
        }
        self.store.write(lease, &decided, &numbers, true).await
    }

    async fn take_events(
        &self,
        lease: &Lease,
        named: &BTreeSet<((i64, &str), i64)>,
    ) -> Result<HashSet<(i64, String)>, StoreError> {
        if named.is_empty() {
            return Ok(HashSet::new());
        }
        let take = lease.prepare_cached(&self.sql.take_events).await?;
        let portals: Vec<i64> = named.iter().map(|((portal, _), _)| *portal).collect();
        let events: Vec<&str> = named.iter().map(|((_, event), _)| *event).collect();
        let rooms: Vec<i64> = named.iter().map(|(_, room)| *room).collect();
        let rows = lease.query(&take, &[&portals, &events, &rooms]).await?;
        Ok(rows.iter().map(|row| (row.get("portal"), row.get("event"))).collect())
    }

    async fn number_events(&self, lease: &Lease, numbered: &[((i64, &str), Seq)]) -> Result<(), StoreError> {
        if numbered.is_empty() {
            return Ok(());
        }
        let number = lease.prepare_cached(&self.sql.number_events).await?;
        let portals: Vec<i64> = numbered.iter().map(|((portal, _), _)| *portal).collect();
        let events: Vec<&str> = numbered.iter().map(|((_, event), _)| *event).collect();
        let seqs: Vec<i64> = numbered.iter().map(|(_, seq)| columns::number(*seq)).collect();
        lease.execute(&number, &[&portals, &events, &seqs]).await?;
        Ok(())
    }

    pub(crate) async fn release_event(
        &self,
        number: u64,
        message: &Incoming,
        session: Option<&RoomId>,
    ) -> Result<Option<Received>, StoreError> {
        let portal = message.portal.as_str();
        if self.store.ask(&self.sql.is_in_quarantine, &[&portal, &number.cast_signed()]).await?.is_empty() {
            return Ok(None);
        }
        let message = message.released(number, session);
        let received = self.receive_all(&[message], false).await?.pop();
        if matches!(received, Some(Received::Stored { .. } | Received::Repeated { .. })) {
            // Should this fail: released again, it is recognised.
            self.store.ask(&self.sql.drop_quarantined, &[&portal, &number.cast_signed()]).await?;
        }
        Ok(received)
    }

    pub(crate) async fn drop_event(&self, portal: &PortalId, number: u64) -> Result<bool, StoreError> {
        let lease = self.store.pool.get().await?;
        let drop = lease.prepare_cached(&self.sql.drop_quarantined).await?;
        let dropped = lease.execute(&drop, &[&portal.as_str(), &number.cast_signed()]).await?;
        lease.settle();
        Ok(dropped > 0)
    }
}
