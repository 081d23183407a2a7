//! Sessions: made with their rooms, and listed with their cursors.

use super::{BYTES, EACH, Listing, PostgresPortals, Row, StoreError, part};
use crate::store::cursors::refs_of;
use crate::{
    features::portals::store::{Filter, Opened, Session, SessionProposal, portal_id},
    store::{
        RoomProposal,
        columns::{self, count},
        postgres::{
            cursors,
            general::{Numbers, read_clock},
            pool::Lease,
            read::view,
        },
    },
};
use hubbub_core::{
    limits::{EXTERNALS_SHOWN, FAILED_SHOWN, SHARED_SHOWN},
    log::{
        batch::{BatchWrites, NewEntry},
        room::ListPart,
    },
    model::{
        access::RoomKind,
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
    portal::{
        PortalId,
        externals::{Learned, Teacher},
    },
};

impl PostgresPortals {
    pub(crate) async fn open(&self, new: &SessionProposal) -> Result<Opened, StoreError> {
        let lease = self.store.pool.get().await?;
        let (may, make, clock) = tokio::try_join!(
            lease.prepare_cached(&self.sql.may_open),
            lease.prepare_cached(&self.sql.make_session_room),
            lease.prepare_cached(&self.store.sql.clock),
        )?;
        let (portal, customer, external) = (new.portal.as_str(), new.customer.as_str(), new.external.as_deref());
        let Some(may) = lease.query_opt(&may, &[&portal, &external]).await? else {
            lease.give_back();
            return Ok(Opened::UnknownPortal);
        };
        let (portal, taken): (i64, Option<&str>) = (may.get("no"), may.get("taken_by"));
        let (id, kind) = (new.id.as_str(), RoomKind::Private.word());
        let (begun, made, clock) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query_opt(&make, &[&id, &kind, &new.name]).await },
            async { lease.query_one(&clock, &[]).await },
        );
        let (made, clock) = (begun.and(made)?, clock?);
        let too_many = match new.most.filter(|_| made.is_some()) {
            Some(most) => self.sessions_of(&lease, new, portal).await? >= most as i64,
            None => false,
        };
        let is_new = made.is_some();
        let shared = taken.is_some() && new.shares_external;
        let Some(made) = made.filter(|_| !too_many && (taken.is_none() || shared)) else {
            if is_new {
                lease.batch_execute("ROLLBACK").await?;
                lease.give_back();
            } else {
                self.store.confirm(lease, &[&new.id]).await?;
            }
            // Whoever resumes a session is no newcomer.
            if let Some(there) = self.there(&new.id).await? {
                return Ok(there);
            }
            return match taken {
                _ if too_many => Ok(Opened::TooMany),
                Some(session) => Ok(Opened::ExternalTaken(columns::room(session)?)),
                None => Err(StoreError::Unavailable(format!("session {id} is being made"))),
            };
        };
        let room: i64 = made.get("no");
        let (incarnation, at) = read_clock(&clock)?;
        let founding = RoomProposal {
            id: new.id.clone(),
            kind: RoomKind::Private,
            name: new.name.clone(),
            first: new.first.clone(),
        };
        let decided = BatchWrites::founding(&founding, Epoch { incarnation, generation: 1 }, at);
        let head = decided.entries.last().map_or(Seq::ZERO, |entry| entry.place.seq);
        let session = lease.prepare_cached(&self.sql.make_session).await?;
        // What the program before reads is one session's.
        let own = external.filter(|_| !shared);
        if lease.execute(&session, &[&room, &portal, &customer, &own, &id]).await? == 0 {
            // The portal's own id was taken a moment ago; asked again, it is known by whom.
            lease.batch_execute("ROLLBACK").await?;
            lease.give_back();
            return Err(StoreError::Unavailable(format!("session {id} is being made")));
        }
        self.store.make_cursor(&lease, room, portal, head).await?;
        let names: Vec<(i64, &str)> = external.into_iter().chain([id]).map(|name| (portal, name)).collect();
        self.lock_names(&lease, &names).await?;
        if let Some(external) = &new.external {
            let learned = Learned { session: new.id.clone(), external: external.clone(), by: Teacher::Answer };
            self.learn_within(&lease, &learned).await?;
        }
        let bind = lease.prepare_cached(&self.sql.bind_session).await?;
        lease.execute(&bind, &[&id]).await?;
        self.store.write(&lease, &decided, &Numbers::from([(new.id.clone(), room)])).await?;
        lease.settle()?;
        let entries = decided.entries.iter().map(NewEntry::entry).collect();
        match self.there(&new.id).await? {
            Some(Opened::Exists(session)) => Ok(Opened::New(session, entries)),
            _ => Err(StoreError::Broken(format!("session {id} was made and is not there"))),
        }
    }

    /// How many the customer has with the portal; until the transaction ends, nobody else makes one for her who counts them.
    async fn sessions_of(&self, lease: &Lease, new: &SessionProposal, portal: i64) -> Result<i64, StoreError> {
        let lock = lease.prepare_cached(&self.sql.lock_customer).await?;
        let count = lease.prepare_cached(&self.sql.sessions_of_customer).await?;
        let customer = new.customer.as_str();
        lease.execute(&lock, &[&new.portal.as_str(), &customer]).await?;
        // A statement of its own: its snapshot is taken after the wait.
        Ok(lease.query_one(&count, &[&customer, &portal]).await?.get("sessions"))
    }

    pub(crate) async fn one_session(&self, id: &RoomId) -> Result<Option<Session>, StoreError> {
        let filter = Filter { session: Some(id.clone()), ..Filter::default() };
        Ok(self.list_sessions(&filter, None, 1).await?.items.pop())
    }

    /// The session of this id, or that a room has it.
    async fn there(&self, id: &RoomId) -> Result<Option<Opened>, StoreError> {
        match self.one_session(id).await? {
            Some(session) => Ok(Some(Opened::Exists(Box::new(session)))),
            None => Ok(self.store.view(id).await?.map(|_| Opened::OtherRoom)),
        }
    }

    pub(crate) async fn list_sessions(
        &self,
        filter: &Filter,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<Session>, StoreError> {
        let (portal, customer) =
            (filter.portal.as_ref().map(PortalId::as_str), filter.customer.as_ref().map(UserId::as_str));
        let only = filter.session.as_ref().map(RoomId::as_str);
        let (after, limit, failed) = (after.map_or("", RoomId::as_str), count(limit), FAILED_SHOWN as i64);
        let (former, shared) = (EXTERNALS_SHOWN as i64, SHARED_SHOWN as i64);
        let mut listing = Listing::new(&[&limit, &BYTES, &EACH, &failed, &former, &shared]);
        listing.only("s.id > ?", &after);
        if only.is_some() {
            listing.only("s.id = ?", &only);
        }
        if portal.is_some() {
            listing.only(&self.sql.session_of_portal, &portal);
        }
        if customer.is_some() {
            listing.only("s.customer = ?", &customer);
        }
        if filter.waiting {
            listing.which += " AND ";
            listing.which += &self.sql.session_waits;
        }
        if filter.shared {
            listing.which += " AND ";
            listing.which += &self.sql.session_shares;
        }
        let sql = self.sql.sessions.replace("/* which */", &listing.which);
        let rows = self.store.ask(&sql, &listing.params).await?;
        part(&rows, session)
    }
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let failed: Vec<i64> = row.get("failed");
    let state = columns::session(row.get("state"))?;
    Ok(Session {
        room: view(row)?.room,
        portal: portal_id(row.get("portal_id"))?,
        customer: columns::user(row.get("customer"))?,
        state: state.ok_or_else(|| StoreError::Broken("a session without a state".into()))?,
        external: row.get("external"),
        refs: refs_of(row.get("refs"))?,
        externals: row.get("externals"),
        shared_with: row.get::<_, Vec<&str>>("shared_with").into_iter().map(columns::room).collect::<Result<_, _>>()?,
        delivery: cursors::read(row)?.cursor.delivery(failed.into_iter().map(columns::seq).collect()),
    })
}
