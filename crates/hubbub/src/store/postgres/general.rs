//! The group commit of anything: lock and read, decide here, write. Two round trips.

use super::{
    super::{
        Created, Room, RoomProposal, StoreError,
        columns::{self, number, seq},
    },
    PostgresStore,
    deep::DeepRows,
    pool::Lease,
};
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites, NewEntry},
        body::Columns,
        entry::{Draft, Outcome},
        kinds::SessionState,
        ledger::{Known, Ledger, Person, RoomState},
        settings::Settings,
    },
    model::{
        access::Standing,
        ids::RoomId,
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};
use std::collections::{BTreeSet, HashMap, HashSet};
use tokio_postgres::{Row, Statement, types::ToSql};

/// The numbers of rooms inside the database.
pub(crate) type Numbers = HashMap<RoomId, i64>;

impl PostgresStore {
    pub(crate) async fn append_generally(&self, drafts: &[Draft]) -> Result<Vec<Outcome>, StoreError> {
        let lease = self.pool.get().await?;
        let asked = BatchReads::of(drafts);
        let loaded = async {
            let (mut ledger, numbers, at) = self.load(&lease, &asked).await?;
            let mut events = self.take_events(&lease, &asked).await?;
            ledger.events = std::mem::take(&mut events.known);
            Ok((ledger, numbers, at, events))
        };
        let (ledger, numbers, at, events) = match loaded.await {
            Err(StoreError::Locked) => {
                lease.batch_execute("ROLLBACK").await?;
                lease.give_back();
                return Err(StoreError::Locked);
            }
            loaded => loaded?,
        };
        let decided = BatchWrites::of(ledger, drafts, at);
        self.write_events(&lease, &events, &decided, &numbers).await?;
        self.write(&lease, &decided, &numbers).await?;
        lease.settle()?;
        if decided.sessions.iter().any(|room| decided.raised.get(room).is_some_and(|raised| !raised.by_portal)) {
            self.due.notify_one();
        }
        Ok(decided.outcomes)
    }

    pub(crate) async fn create(&self, new: &RoomProposal) -> Result<Created, StoreError> {
        let lease = self.pool.get().await?;
        let (clock, make) =
            tokio::try_join!(lease.prepare_cached(&self.sql.clock), lease.prepare_cached(&self.sql.make_room))?;
        let (id, kind) = (new.id.as_str(), new.kind.word());
        let (begun, made, clock) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query_opt(&make, &[&id, &kind, &new.name]).await },
            async { lease.query_one(&clock, &[]).await },
        );
        let made = begun.and(made)?;
        let Some(made) = made else {
            self.confirm(lease, &[&new.id]).await?;
            let room = self.view(&new.id).await?;
            return room
                .map(|view| Created::Exists(view.room))
                .ok_or_else(|| StoreError::Unavailable(format!("room {id} is being made")));
        };
        let (incarnation, at) = read_clock(&clock?)?;
        let epoch = Epoch { incarnation, generation: 1 };
        let decided = BatchWrites::founding(new, epoch, at);
        self.write(&lease, &decided, &Numbers::from([(new.id.clone(), made.get(0))])).await?;
        lease.settle()?;
        let entries: Vec<_> = decided.entries.iter().map(NewEntry::entry).collect();
        let head = entries.last().map_or(Seq::ZERO, |entry| entry.seq);
        let room = Room {
            id: new.id.clone(),
            kind: new.kind,
            name: new.name.clone(),
            head,
            floor: Seq::new(1),
            epoch,
            settings: Settings::default(),
        };
        Ok(Created::New(room, entries))
    }

    /// Ends a transaction that found rooms which somebody else has made, and makes sure of them: whoever made them may have
    /// committed without waiting for a standby. Their locks and this commit wait for it; a mere read would not.
    pub(crate) async fn confirm(&self, lease: Lease, rooms: &[&RoomId]) -> Result<(), StoreError> {
        let lock = lease.prepare_cached(&self.sql.lock).await?;
        let rooms: BTreeSet<&str> = rooms.iter().map(|room| room.as_str()).collect();
        let rooms: Vec<&str> = rooms.into_iter().collect();
        let (locked, committed) = tokio::join!(
            biased;
            async { lease.query(&lock, &[&rooms]).await },
            lease.batch_execute("COMMIT"),
        );
        locked.and(committed)?;
        lease.settle()
    }

    /// Begins a transaction, locks the rooms and then, in statements of their own, reads what `asked` is about.
    pub(crate) async fn load(
        &self,
        lease: &Lease,
        asked: &BatchReads<'_>,
    ) -> Result<(Ledger, Numbers, Timestamp), StoreError> {
        let deep = self.prepare_deep(lease, asked).await?;
        let (lock, clock, senders, standings) = tokio::try_join!(
            lease.prepare_cached(&self.sql.lock),
            lease.prepare_cached(&self.sql.clock),
            lease.prepare_cached(&self.sql.senders),
            lease.prepare_cached(&self.sql.standings),
        )?;
        let rooms: Vec<&str> = asked.rooms.iter().map(|room| room.as_str()).collect();
        let keys: Vec<_> = asked.keys.iter().collect();
        let key_rooms: Vec<&str> = keys.iter().map(|(room, _, _)| room.as_str()).collect();
        let (authors, key_words): (Vec<&str>, Vec<&str>) =
            keys.iter().map(|(_, author, key)| (author.as_str(), key.as_str())).unzip();
        // Whom drafts are about, beside those who send them.
        let sending: HashSet<_> = keys.iter().map(|(room, author, _)| (*room, *author)).collect();
        let others: Vec<_> = asked.people.iter().filter(|who| !sending.contains(*who)).collect();
        let (other_rooms, other_users): (Vec<&str>, Vec<&str>) =
            others.iter().map(|(room, user)| (room.as_str(), user.as_str())).unzip();
        let (begun, locked, clock, senders, standings, deep) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query(&lock, &[&rooms]).await },
            async { lease.query_one(&clock, &[]).await },
            async { lease.query(&senders, &[&key_rooms, &authors, &key_words]).await },
            async {
                match others.is_empty() {
                    true => Ok(Vec::new()),
                    false => lease.query(&standings, &[&other_rooms, &other_users]).await,
                }
            },
            async {
                match &deep {
                    Some(deep) => deep.query(lease, asked).await,
                    None => Ok(DeepRows::default()),
                }
            },
        );
        begun?;
        let (locked, clock, senders, standings, deep) = (locked?, clock?, senders?, standings?, deep?);
        let (incarnation, at) = read_clock(&clock)?;

        let (mut ledger, mut numbers) = (Ledger::default(), Numbers::new());
        for row in locked {
            let (room, kind) = (columns::room(row.get(1))?, columns::kind(row.get(2))?);
            let epoch = Epoch { incarnation, generation: columns::epoch_part(row.get(4))? };
            numbers.insert(room.clone(), row.get(0));
            let state = RoomState {
                kind,
                head: seq(row.get(3)),
                floor: seq(row.get(6)),
                epoch,
                session: columns::session(row.get(5))?,
                settings: columns::settings(row.get(7))?,
            };
            ledger.rooms.insert(room, state);
        }
        for row in senders {
            let (room, author, key) = nth(&keys, &row)?;
            ledger.people.insert(((*room).clone(), (*author).clone()), person(&row));
            if let Some(id) = row.get(8) {
                let known =
                    Known { id, seq: seq(row.get(9)), at: Timestamp(row.get(10)), hash: columns::hash(row.get(11))? };
                ledger.known.insert(((*room).clone(), (*author).clone(), (*key).clone()), known);
            }
        }
        for row in standings {
            let (room, user) = nth(&others, &row)?;
            ledger.people.insert(((*room).clone(), (*user).clone()), person(&row));
        }
        ledger.facts = asked.unknown_facts();
        deep.into_facts(&mut ledger.facts)?;
        Ok((ledger, numbers, at))
    }

    /// Writes what was decided, and commits.
    pub(crate) async fn write(
        &self,
        lease: &Lease,
        decided: &BatchWrites<'_>,
        numbers: &Numbers,
    ) -> Result<(), StoreError> {
        if decided.entries.is_empty() {
            return Ok(lease.batch_execute("COMMIT").await?);
        }
        let (insert, raise, stand, forget, mark) = tokio::try_join!(
            lease.prepare_cached(&self.sql.insert),
            lease.prepare_cached(&self.sql.raise),
            lease.prepare_cached(&self.sql.stand),
            lease.prepare_cached(&self.sql.forget),
            lease.prepare_cached(&self.sql.mark_cursors),
        )?;
        let no = |room: &RoomId| {
            numbers.get(room).copied().ok_or_else(|| StoreError::Broken(format!("room {room} was not locked")))
        };

        let entries = &decided.entries;
        let what: Vec<Columns<'_>> = entries.iter().map(|entry| Columns::of(&entry.what)).collect();
        let entry_rooms = entries.iter().map(|entry| no(entry.room)).collect::<Result<Vec<_>, _>>()?;
        let seqs: Vec<i64> = entries.iter().map(|entry| number(entry.place.seq)).collect();
        let ids: Vec<_> = entries.iter().map(|entry| entry.place.id).collect();
        let kinds: Vec<_> = entries.iter().map(|entry| entry.what.word()).collect();
        let authors: Vec<_> = entries.iter().map(|entry| entry.from.as_str()).collect();
        let ats: Vec<i64> = entries.iter().map(|entry| entry.place.at.0).collect();
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let hashes: Vec<&[u8]> = entries.iter().map(|entry| &entry.hash.0[..]).collect();
        let texts: Vec<_> = what.iter().map(|what| what.text.as_deref()).collect();
        let data: Vec<_> = what.iter().map(|what| what.data.as_deref()).collect();
        let targets: Vec<_> = what.iter().map(|what| what.target.map(number)).collect();
        let subjects: Vec<_> = what.iter().map(|what| what.subject.as_deref()).collect();
        let roles: Vec<_> = what.iter().map(|what| what.role.as_deref()).collect();
        let bodies: Vec<_> = what.iter().map(|what| what.body.as_deref()).collect();
        let effects: Vec<_> = entries.iter().map(|entry| entry.what.effects().json()).collect();

        let ranks: Vec<_> = what.iter().map(|what| what.rank.as_deref()).collect();
        let threads: Vec<_> = what.iter().map(|what| what.thread.map(number)).collect();
        let in_room: Vec<_> = what.iter().map(|what| what.in_room.then_some(true)).collect();
        let previous: Vec<_> = entries.iter().map(|entry| entry.previous.map(number)).collect();

        let raised_rooms = decided.raised.keys().map(no).collect::<Result<Vec<_>, _>>()?;
        let heads: Vec<_> = decided.raised.values().map(|raised| number(raised.head)).collect();
        let last_messages: Vec<_> = decided.raised.values().map(|raised| raised.last_message.map(number)).collect();
        let names: Vec<_> = decided.raised.values().map(|raised| raised.name.as_deref()).collect();

        let states: Vec<_> = decided.raised.values().map(|raised| raised.session.map(SessionState::state)).collect();
        let is_set: Vec<_> = decided.raised.values().map(|raised| raised.settings.is_some()).collect();
        let settings: Vec<_> =
            decided.raised.values().map(|raised| raised.settings.as_ref().and_then(Settings::stored)).collect();
        let marked = decided.raised.iter().filter(|(room, _)| decided.sessions.contains(room));
        let (mut marked_rooms, mut firsts, mut marked_heads, mut by_portal) = (vec![], vec![], vec![], vec![]);
        for (room, raised) in marked {
            marked_rooms.push(no(room)?);
            firsts.push(number(raised.first));
            marked_heads.push(number(raised.head));
            by_portal.push(raised.by_portal);
        }

        let (mut stand_rooms, mut stand_users, mut words, mut since) = (vec![], vec![], vec![], vec![]);
        let (mut stand_ranks, mut joined) = (vec![], vec![]);
        let (mut gone_rooms, mut gone_users) = (vec![], vec![]);
        for ((room, user), membership) in &decided.changes.members {
            if let Some((word, rank)) = membership.standing.stored() {
                stand_rooms.push(no(room)?);
                stand_users.push(user.as_str());
                words.push(word);
                since.push(number(membership.since));
                stand_ranks.push(rank);
                joined.push(number(membership.joined));
            } else {
                gone_rooms.push(no(room)?);
                gone_users.push(user.as_str());
            }
        }

        let deep = self.prepare_writes(lease, &decided.changes, numbers).await?;
        let columns: [&(dyn ToSql + Sync); 19] = [
            &entry_rooms,
            &seqs,
            &ids,
            &kinds,
            &authors,
            &ats,
            &keys,
            &hashes,
            &texts,
            &data,
            &targets,
            &subjects,
            &roles,
            &bodies,
            &effects,
            &ranks,
            &threads,
            &in_room,
            &previous,
        ];
        let (inserted, raised, stands, forgotten, marked, hung, committed) = tokio::join!(
            biased;
            lease.execute(&insert, &columns),
            async { lease.execute(&raise, &[&raised_rooms, &heads, &last_messages, &names, &states, &is_set, &settings]).await },
            async { some(lease, &stand, stand_rooms.len(), &[&stand_rooms, &stand_users, &words, &since, &stand_ranks, &joined]).await },
            async { some(lease, &forget, gone_rooms.len(), &[&gone_rooms, &gone_users]).await },
            async { some(lease, &mark, marked_rooms.len(), &[&marked_rooms, &firsts, &marked_heads, &by_portal]).await },
            deep.execute(lease),
            lease.batch_execute("COMMIT"),
        );
        Ok(inserted.and(raised).and(stands).and(forgotten).and(marked).and(hung).and(committed)?)
    }
}

/// Which of those that were asked for a row is about.
fn nth<T: Copy>(asked: &[T], row: &Row) -> Result<T, StoreError> {
    let nth = usize::try_from(row.get::<_, i64>(0)).unwrap_or_default();
    let of = nth.checked_sub(1).and_then(|nth| asked.get(nth));
    of.copied().ok_or_else(|| StoreError::Broken(format!("row {nth} of {} was answered", asked.len())))
}

/// Somebody, as the statements `senders` and `standings` say.
fn person(row: &Row) -> Person {
    Person {
        standing: Standing::read(row.get(1), row.get(2)),
        joined: seq(row.get(3)),
        muted_until: row.get::<_, Option<i64>>(4).map(Timestamp),
        wrote_at: row.get::<_, Option<i64>>(5).map(Timestamp),
        was_reader: row.get(6),
        blocked: row.get(7),
    }
}

/// Runs a statement that writes so many rows, unless there are none.
async fn some(
    lease: &Lease,
    statement: &Statement,
    rows: usize,
    params: &[&(dyn ToSql + Sync)],
) -> Result<u64, tokio_postgres::Error> {
    if rows == 0 { Ok(0) } else { lease.execute(statement, params).await }
}

/// The incarnation and the time, from the statement `clock`.
pub(crate) fn read_clock(row: &Row) -> Result<(u32, Timestamp), StoreError> {
    Ok((columns::epoch_part(row.get(0))?, Timestamp(row.get(1))))
}
