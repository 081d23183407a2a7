//! Imports and exports.

use super::{
    super::{
        StoreError,
        archive::{Abandoned, Archive, Begun, KEEPER_SETTINGS, RoomRow, differing, keeper},
        columns::{self, count},
    },
    PostgresStore, audit as acts, deep, long_way,
    pool::Lease,
    reads,
    sql::{self, texts},
};
use async_trait::async_trait;
use hubbub_core::{
    log::{
        batch::{BatchReads, BatchWrites},
        entry::{Draft, Outcome},
        kinds::SessionState,
        ledger::Happened,
        settings::Settings,
    },
    model::{
        ids::{RoomId, UserId},
        json::Json,
    },
    moving::{RoomLine, UserLine},
};
use std::sync::Arc;

texts! {
    lock = "SELECT no, id, kind, head, generation, session, floor, settings FROM hubbub.imports
        WHERE id = ANY($1) AND opened_at IS NULL ORDER BY id FOR UPDATE";
    begun = "SELECT i.kind, i.opened_at, EXISTS (SELECT FROM hubbub.rooms r WHERE r.id = i.id AND r.no = i.no) AS is_there
        FROM hubbub.imports i WHERE i.id = $1";
    keep = "INSERT INTO hubbub.rooms (id, kind, name, created_at, settings)
        VALUES ($1, $2, '', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $3) ON CONFLICT (id) DO NOTHING RETURNING no";
    renumber = "UPDATE hubbub.rooms SET no = DEFAULT WHERE no = $1 RETURNING no, created_at";
    import = "INSERT INTO hubbub.imports (no, id, kind, name, created_at, settings, session, closed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    inform = "INSERT INTO hubbub.room_infos (room, topic, data) VALUES ($1, $2, $3)";
    begun_line = "SELECT c.id, c.kind, c.name, c.created_at, c.settings, c.session, i.topic, i.data, c.no, c.head
        FROM hubbub.imports c LEFT JOIN hubbub.room_infos i ON i.room = c.no WHERE c.id = $1 FOR UPDATE OF c";
    has_kinds = "SELECT EXISTS (SELECT FROM hubbub.entries WHERE room = $1 AND kind = ANY($2))";
    mend = "UPDATE hubbub.imports SET name = $2, created_at = $3, settings = $4, session = $5 WHERE no = $1";
    uninform = "DELETE FROM hubbub.room_infos WHERE room = $1";
    closed = "SELECT i.id FROM hubbub.imports i WHERE i.id = ANY($1) AND i.opened_at IS NULL ORDER BY i.id FOR UPDATE";
    keepers = "SELECT r.id FROM hubbub.rooms r JOIN hubbub.imports i ON i.id = r.id
        WHERE r.id = ANY($1) AND i.closed = r.no AND r.head = 0 ORDER BY r.id FOR UPDATE OF r";
    let_go = "DELETE FROM hubbub.rooms WHERE id = ANY($1)";
    take_place = "INSERT INTO hubbub.rooms
            (no, id, kind, name, head, floor, generation, last_message, created_at, settings, session) OVERRIDING SYSTEM VALUE
        SELECT no, id, kind, name, head, floor, generation, last_message, created_at, settings, session
        FROM hubbub.imports WHERE id = ANY($1)";
    read_so_far = "INSERT INTO hubbub.reads (room, user_id, seq, at)
        SELECT no, '', head, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM hubbub.imports WHERE id = ANY($1)";
    opened = "UPDATE hubbub.imports SET opened_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE id = ANY($1)";
    count_opening = "UPDATE hubbub.openings SET number = number + 1";
    forget = "DELETE FROM hubbub.imports WHERE id = $1 AND opened_at IS NULL RETURNING no, closed";
    is_begun = "SELECT EXISTS (SELECT FROM hubbub.imports WHERE id = $1)";
    free = "DELETE FROM hubbub.rooms WHERE id = $1 AND no = $2 AND head = 0";
    put_new_users = "INSERT INTO hubbub.users (id, info, updated_at)
        SELECT put.id, put.info, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM unnest($1::text[], $2::text[]) AS put (id, info) ON CONFLICT (id) DO NOTHING";
    rooms = "SELECT r.id, r.kind, r.name, r.created_at, r.settings, r.session, i.topic, i.data
        FROM hubbub.rooms r LEFT JOIN hubbub.room_infos i ON i.room = r.no
        WHERE r.id > $1 AND r.kind <> 'deleted'
            AND NOT EXISTS (SELECT FROM hubbub.imports c WHERE c.id = r.id AND c.closed = r.no AND c.opened_at IS NULL)
        ORDER BY r.id LIMIT $2";
    users = "SELECT id, info FROM hubbub.users WHERE id > $1 ORDER BY id LIMIT $2";
}

/// Imports and exports of a store in Postgres, beside whoever uses it.
pub struct PostgresArchive {
    logs: Arc<PostgresStore>,
    /// The same store, whose rooms are those that are imported.
    imports: PostgresStore,
    sql: Texts,
}

impl PostgresArchive {
    /// Those of this store.
    pub fn new(logs: Arc<PostgresStore>) -> Self {
        let sql = Texts::new(&logs.schema);
        let schema = logs.schema.of_imports();
        let imports = PostgresStore {
            identity: logs.identity.clone(),
            pool: logs.pool.clone(),
            sql: sql::Texts { lock: sql.lock.clone(), ..sql::Texts::new(&schema) },
            deep: deep::Texts::new(&schema),
            reads: reads::Texts::new(&schema),
            audit: acts::Texts::new(&schema),
            revocations: super::revocations::Texts::new(&schema),
            long_way: long_way::LongWay::default(),
            schema,
            due: Arc::default(),
        };
        Self { logs, imports, sql }
    }
}

impl PostgresArchive {
    async fn inform(&self, lease: &Lease, no: i64, room: &RoomLine) -> Result<(), StoreError> {
        if !room.topic.is_empty() || room.data.is_some() {
            let inform = lease.prepare_cached(&self.sql.inform).await?;
            let data = room.data.as_ref().map(Json::as_str);
            lease.execute(&inform, &[&no, &&*room.topic, &data]).await?;
        }
        Ok(())
    }

    /// Goes on with a room that is closed, in the transaction that found it.
    async fn begin_again(&self, lease: &Lease, room: &RoomLine) -> Result<Begun, StoreError> {
        let sql = &self.sql;
        let begun = lease.prepare_cached(&sql.begun_line).await?;
        let row = lease.query_one(&begun, &[&room.id.as_str()]).await?;
        let (begun, no, head): (_, i64, i64) = (line(&row)?, row.get(8), row.get(9));
        let differing = differing(&begun, room);
        if head > 0 {
            let has_kinds = lease.prepare_cached(&sql.has_kinds).await?;
            for (field, kinds) in differing {
                if !lease.query_one(&has_kinds, &[&no, &kinds]).await?.get::<_, bool>(0) {
                    return Ok(Begun::Changed(field));
                }
            }
        } else if !differing.is_empty() {
            let (mend, uninform) = (lease.prepare_cached(&sql.mend).await?, lease.prepare_cached(&sql.uninform).await?);
            let at = room.at.or(begun.at).unwrap_or_default().0;
            let (settings, session) = (Settings::stored(&room.settings), room.session.map(SessionState::state));
            lease.execute(&mend, &[&no, &room.name, &at, &settings, &session]).await?;
            lease.execute(&uninform, &[&no]).await?;
            self.inform(lease, no, room).await?;
        }
        Ok(Begun::Closed)
    }
}

/// The line of a row with the columns of a room's.
fn line(row: &tokio_postgres::Row) -> Result<RoomLine, StoreError> {
    let row = RoomRow {
        id: row.get(0),
        kind: row.get(1),
        name: row.get(2),
        created_at: row.get(3),
        settings: row.get(4),
        session: row.get(5),
        topic: row.get(6),
        data: row.get(7),
    };
    row.line()
}

#[async_trait]
impl Archive for PostgresArchive {
    async fn begin(&self, room: &RoomLine) -> Result<Begun, StoreError> {
        let (lease, sql, id) = (self.logs.pool.get().await?, &self.sql, room.id.as_str());
        lease.batch_execute(lease.begin()).await?;
        // First, so that whoever begins the same room waits here, and sees it then.
        let keep = lease.prepare_cached(&sql.keep).await?;
        let made = lease.query_opt(&keep, &[&id, &keeper(room.kind).word(), &KEEPER_SETTINGS]).await?;
        let begun = match made {
            Some(made) => {
                let no: i64 = made.get(0);
                let renumber = lease.prepare_cached(&sql.renumber).await?;
                let closed = lease.query_one(&renumber, &[&no]).await?;
                let at = room.at.map_or_else(|| closed.get(1), |at| at.0);
                let (settings, session) = (Settings::stored(&room.settings), room.session.map(SessionState::state));
                let import = lease.prepare_cached(&sql.import).await?;
                let row: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
                    [&no, &id, &room.kind.word(), &room.name, &at, &settings, &session, &closed.get::<_, i64>(0)];
                lease.execute(&import, &row).await?;
                self.inform(&lease, no, room).await?;
                Begun::Closed
            }
            None => {
                let begun = lease.prepare_cached(&sql.begun).await?;
                match lease.query_opt(&begun, &[&id]).await? {
                    None => Begun::Taken,
                    Some(row) => {
                        let kind = columns::kind(row.get(0))?;
                        match (row.get::<_, Option<i64>>(1), row.get(2)) {
                            _ if kind != room.kind => Begun::Other(kind),
                            (None, _) => self.begin_again(&lease, room).await?,
                            (Some(_), true) => Begun::Open,
                            (Some(_), false) => Begun::Taken,
                        }
                    }
                }
            }
        };
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(begun)
    }

    async fn replay(&self, drafts: &[Draft], happened: &[Happened]) -> Result<Vec<Outcome>, StoreError> {
        let lease = self.imports.pool.get().await?;
        let (ledger, numbers, _) = self.imports.load(&lease, &BatchReads::of(drafts)).await?;
        let decided = BatchWrites::replayed(ledger, drafts, happened);
        self.imports.write(&lease, &decided, &numbers).await?;
        lease.settle()?;
        Ok(decided.outcomes)
    }

    async fn open(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        let (lease, sql) = (self.logs.pool.get().await?, &self.sql);
        let ids: Vec<&str> = rooms.iter().map(RoomId::as_str).collect();
        lease.batch_execute(lease.begin()).await?;
        let (closed, keepers) = (lease.prepare_cached(&sql.closed).await?, lease.prepare_cached(&sql.keepers).await?);
        let closed = lease.query(&closed, &[&ids]).await?;
        let ids: Vec<&str> = closed.iter().map(|row| row.get(0)).collect();
        let kept = lease.query(&keepers, &[&ids]).await?;
        let kept: Vec<&str> = kept.iter().map(|row| row.get(0)).collect();
        let changed =
            ids.iter().filter(|id| !kept.contains(id)).map(|id| columns::room(id)).collect::<Result<_, _>>()?;
        for sql in [&sql.let_go, &sql.take_place, &sql.read_so_far, &sql.opened] {
            let statement = lease.prepare_cached(sql).await?;
            lease.execute(&statement, &[&kept]).await?;
        }
        if !kept.is_empty() {
            // The last: whoever opens others at the same time waits here.
            let count_opening = lease.prepare_cached(&sql.count_opening).await?;
            lease.execute(&count_opening, &[]).await?;
        }
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(changed)
    }

    async fn abandon(&self, room: &RoomId) -> Result<Abandoned, StoreError> {
        let (lease, sql, id) = (self.logs.pool.get().await?, &self.sql, room.as_str());
        lease.batch_execute(lease.begin()).await?;
        let (forget, free) = (lease.prepare_cached(&sql.forget).await?, lease.prepare_cached(&sql.free).await?);
        let abandoned = match lease.query_opt(&forget, &[&id]).await? {
            Some(row) => {
                let (no, keeper): (i64, i64) = (row.get(0), row.get(1));
                // Its entries are deleted by the servers, as those of a room that was deleted.
                let note = lease.prepare_cached(&self.logs.sql.note_deleted).await?;
                lease.execute(&note, &[&no]).await?;
                match lease.execute(&free, &[&id, &keeper]).await? {
                    0 => Abandoned::Kept,
                    _ => Abandoned::Free,
                }
            }
            None => {
                let is_begun = lease.prepare_cached(&sql.is_begun).await?;
                match lease.query_one(&is_begun, &[&id]).await?.get(0) {
                    true => Abandoned::Open,
                    false => Abandoned::Unknown,
                }
            }
        };
        lease.batch_execute("COMMIT").await?;
        lease.settle()?;
        Ok(abandoned)
    }

    async fn put_new_users(&self, users: &[UserLine]) -> Result<(), StoreError> {
        let (ids, infos): (Vec<&str>, Vec<&str>) =
            users.iter().map(|line| (line.user.as_str(), line.info.as_str())).unzip();
        self.logs.ask(&self.sql.put_new_users, &[&ids, &infos]).await.map(drop)
    }

    async fn rooms(&self, after: Option<&RoomId>, limit: usize) -> Result<Vec<RoomLine>, StoreError> {
        let after = after.map_or("", RoomId::as_str);
        let rows = self.logs.ask(&self.sql.rooms, &[&after, &count(limit)]).await?;
        rows.iter().map(line).collect()
    }

    async fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<UserLine>, StoreError> {
        let after = after.map_or("", UserId::as_str);
        let rows = self.logs.ask(&self.sql.users, &[&after, &count(limit)]).await?;
        rows.iter()
            .map(|row| Ok(UserLine { user: columns::user(row.get(0))?, info: Json::trusted(row.get(1)) }))
            .collect()
    }
}
