//! What hangs on messages: read and written along with the general group commit, without a round trip of its own.

use super::{
    super::{
        StoreError,
        columns::{self, number, seq},
    },
    PostgresStore,
    general::Numbers,
    pool::Lease,
    sql::texts,
};
use futures_util::future::join_all;
use hubbub_core::{
    limits::BLANKED_AT_ONCE,
    log::{
        batch::BatchReads,
        ledger::{Changes, ReactionCount, RoomFacts, Target},
        room::RoomInfo,
    },
    model::{ids::RoomId, json::Json, time::Timestamp},
};
use std::collections::HashMap;
use tokio_postgres::{Error, Row, Statement, types::ToSql};

texts! {
    targets = "SELECT a.room, a.seq, a.author, a.at, coalesce(a.gone, false), a.thread, coalesce(a.in_room, false),
            a.edit, coalesce(a.edits, 0), c.text, c.data, c.body, a.content,
            CASE WHEN a.nth IS NOT NULL AND a.gone IS NOT TRUE AND (a.upto <= $5 OR a.upto = 1 + coalesce(a.edits, 0)) THEN (
                WITH RECURSIVE chain (seq) AS (
                    SELECT a.edit WHERE a.edit IS NOT NULL
                    UNION ALL
                    SELECT p.edit FROM chain JOIN hubbub.entries p ON p.room = a.no AND p.seq = chain.seq
                    WHERE p.edit IS NOT NULL
                )
                SELECT coalesce(array_agg(chain.seq ORDER BY chain.seq DESC), '{}') FROM chain
            ) END
        FROM (
            SELECT asked.*, r.no, e.author, e.at, e.gone, e.thread, e.in_room, e.edit, e.edits,
                -- What it and the deletions before it would blank.
                sum(CASE WHEN asked.nth IS NULL OR e.gone THEN 0 ELSE 1 + coalesce(e.edits, 0) END)
                    OVER (ORDER BY asked.nth ROWS UNBOUNDED PRECEDING) AS upto
            FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::integer[]) AS asked (room, seq, content, nth)
            JOIN hubbub.rooms r ON r.id = asked.room
            CROSS JOIN LATERAL (
                SELECT * FROM hubbub.entries m WHERE m.room = r.no AND m.seq = asked.seq AND m.kind = 'message' LIMIT 1
            ) e
        ) a
        LEFT JOIN LATERAL (
            SELECT text, data, body FROM hubbub.entries s
            WHERE a.content AND s.room = a.no AND s.seq = coalesce(a.edit, a.seq) LIMIT 1
        ) c ON true";
    // How many different ones there are matters to a new one alone: a message has up to fifty.
    reactions = "SELECT asked.room, asked.target, asked.reaction, asked.user_id, c.count, c.first, coalesce(x.is_there, false),
            CASE WHEN c.count IS NULL THEN (
                SELECT count(*) FROM hubbub.reaction_counts d WHERE d.room = r.no AND d.target = asked.target
            ) END
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS asked (room, target, reaction, user_id)
        JOIN hubbub.rooms r ON r.id = asked.room
        LEFT JOIN LATERAL (
            SELECT count, first FROM hubbub.reaction_counts n WHERE n.room = r.no AND n.target = asked.target
                AND n.reaction = asked.reaction LIMIT 1
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT true AS is_there FROM hubbub.reactions h WHERE h.room = r.no AND h.target = asked.target
                AND h.reaction = asked.reaction AND h.user_id = asked.user_id LIMIT 1
        ) x ON true";
    pins = "SELECT r.id, p.target, p.seq FROM hubbub.rooms r JOIN hubbub.pins p ON p.room = r.no WHERE r.id = ANY($1)";
    admins = "SELECT r.id,
            (SELECT count(*) FROM hubbub.members m WHERE m.room = r.no AND m.standing = 'admin'),
            (SELECT count(*) FROM (
                SELECT 1 FROM hubbub.members m WHERE m.room = r.no AND m.standing <> 'banned' LIMIT 1000) counted)
        FROM hubbub.rooms r WHERE r.id = ANY($1)";
    infos = "SELECT r.id, i.topic, i.data FROM hubbub.rooms r JOIN hubbub.room_infos i ON i.room = r.no WHERE r.id = ANY($1)";
    inform = "INSERT INTO hubbub.room_infos (room, topic, data) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
        ON CONFLICT (room) DO UPDATE SET topic = excluded.topic, data = excluded.data";
    speak = "INSERT INTO hubbub.speakers (room, user_id, muted_until, wrote_at, was_reader)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::boolean[])
        ON CONFLICT (room, user_id) DO UPDATE SET muted_until = excluded.muted_until, wrote_at = excluded.wrote_at,
            was_reader = excluded.was_reader";
    point = "UPDATE hubbub.entries e SET edit = n.edit, edits = n.edits
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[]) AS n (room, seq, edit, edits)
        WHERE e.room = n.room AND e.seq = n.seq";
    reply = "INSERT INTO hubbub.threads (room, root, replies, last, last_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        ON CONFLICT (room, root) DO UPDATE SET replies = threads.replies + excluded.replies,
            last = greatest(threads.last, excluded.last), last_at = greatest(threads.last_at, excluded.last_at)";
    react = "INSERT INTO hubbub.reactions (room, target, reaction, user_id, seq)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
        ON CONFLICT (room, target, reaction, user_id) DO UPDATE SET seq = excluded.seq";
    unreact = "DELETE FROM hubbub.reactions x
        USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS n (room, target, reaction, user_id)
        WHERE x.room = n.room AND x.target = n.target AND x.reaction = n.reaction AND x.user_id = n.user_id";
    count = "INSERT INTO hubbub.reaction_counts (room, target, reaction, count, first)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
        ON CONFLICT (room, target, reaction) DO UPDATE SET count = excluded.count, first = excluded.first";
    uncount = "DELETE FROM hubbub.reaction_counts c
        USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (room, target, reaction)
        WHERE c.room = n.room AND c.target = n.target AND c.reaction = n.reaction";
    pin = "INSERT INTO hubbub.pins (room, target, seq) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        ON CONFLICT (room, target) DO UPDATE SET seq = excluded.seq";
    unpin = "DELETE FROM hubbub.pins p USING unnest($1::bigint[], $2::bigint[]) AS n (room, target)
        WHERE p.room = n.room AND p.target = n.target";
    blank = "UPDATE hubbub.entries e SET text = NULL, data = NULL, body = NULL, hash = NULL, gone = true
        FROM unnest($1::bigint[], $2::bigint[]) AS n (room, seq) WHERE e.room = n.room AND e.seq = n.seq";
    unquote = "WITH gone AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (room, seq)),
        letters AS (UPDATE hubbub.dead_letters d SET attempts = '[]' FROM gone
            WHERE d.room = gone.room AND d.seq = gone.seq AND d.attempts <> '[]')
        UPDATE hubbub.cursors c SET attempts = '[]' FROM (SELECT room, max(seq) AS seq FROM gone GROUP BY room) last
        WHERE c.room = last.room AND c.position < last.seq AND c.attempts <> '[]'";
    forget_counts = "DELETE FROM hubbub.reaction_counts c USING unnest($1::bigint[], $2::bigint[]) AS n (room, target)
        WHERE c.room = n.room AND c.target = n.target";
}

/// What was read of what hangs on messages.
#[derive(Default)]
pub(super) struct DeepRows {
    targets: Vec<Row>,
    reactions: Vec<Row>,
    pins: Vec<Row>,
    admins: Vec<Row>,
    infos: Vec<Row>,
}

/// The statements of one batch, prepared before any of them is sent.
pub(super) struct DeepReads {
    targets: Statement,
    reactions: Statement,
    pins: Statement,
    admins: Statement,
    infos: Statement,
}

impl PostgresStore {
    /// Prepares the reads of a batch; `None`: nothing is asked for.
    pub(super) async fn prepare_deep(
        &self,
        lease: &Lease,
        asked: &BatchReads<'_>,
    ) -> Result<Option<DeepReads>, StoreError> {
        if !asked.is_deep() {
            return Ok(None);
        }
        let (targets, reactions, pins, admins, infos) = tokio::try_join!(
            lease.prepare_cached(&self.deep.targets),
            lease.prepare_cached(&self.deep.reactions),
            lease.prepare_cached(&self.deep.pins),
            lease.prepare_cached(&self.deep.admins),
            lease.prepare_cached(&self.deep.infos),
        )?;
        Ok(Some(DeepReads { targets, reactions, pins, admins, infos }))
    }
}

impl DeepReads {
    /// Sends the reads when it is first polled.
    pub async fn query(&self, lease: &Lease, asked: &BatchReads<'_>) -> Result<DeepRows, Error> {
        let (mut rooms, mut seqs, mut content, mut nth) = (vec![], vec![], vec![], vec![]);
        for ((room, seq), depth) in &asked.targets {
            rooms.push(room.as_str());
            seqs.push(number(*seq));
            content.push(depth.content);
            nth.push(depth.edits.map(i32::from));
        }
        let (mut by_rooms, mut by_targets, mut words, mut users) = (vec![], vec![], vec![], vec![]);
        for (room, seq, word, user) in &asked.reactions {
            by_rooms.push(room.as_str());
            by_targets.push(number(*seq));
            words.push(*word);
            users.push(user.as_str());
        }
        let pins: Vec<&str> = asked.pins.iter().map(|room| room.as_str()).collect();
        let admins: Vec<&str> = asked.admins.iter().map(|room| room.as_str()).collect();
        let infos: Vec<&str> = asked.infos.iter().map(|room| room.as_str()).collect();
        let most = BLANKED_AT_ONCE as i64;
        let of_targets_asked: [&(dyn ToSql + Sync); 5] = [&rooms, &seqs, &content, &nth, &most];
        let of_reactions: [&(dyn ToSql + Sync); 4] = [&by_rooms, &by_targets, &words, &users];
        let (of_pins, of_admins): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([&pins], [&admins]);
        let of_infos: [&(dyn ToSql + Sync); 1] = [&infos];
        let (targets, reactions, pins, admins, infos) = tokio::join!(
            biased;
            some(lease, &self.targets, seqs.len(), &of_targets_asked),
            some(lease, &self.reactions, users.len(), &of_reactions),
            some(lease, &self.pins, pins.len(), &of_pins),
            some(lease, &self.admins, admins.len(), &of_admins),
            some(lease, &self.infos, infos.len(), &of_infos),
        );
        Ok(DeepRows { targets: targets?, reactions: reactions?, pins: pins?, admins: admins?, infos: infos? })
    }
}

async fn some(
    lease: &Lease,
    statement: &Statement,
    asked: usize,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    if asked == 0 { Ok(Vec::new()) } else { lease.query(statement, params).await }
}

impl DeepRows {
    /// Puts what was read among the facts of the rooms.
    pub fn into_facts(self, facts: &mut HashMap<RoomId, RoomFacts>) -> Result<(), StoreError> {
        for row in &self.targets {
            let content = if row.get::<_, bool>(12) {
                Some(columns::content(row.get(9), row.get(10), row.get(11))?)
            } else {
                None
            };
            let edit_seqs: Option<Vec<i64>> = row.get(13);
            let target = Target {
                from: columns::user(row.get(2))?,
                at: Timestamp(row.get(3)),
                gone: row.get(4),
                thread: row.get::<_, Option<i64>>(5).map(seq),
                in_room: row.get(6),
                edit: row.get::<_, Option<i64>>(7).map(seq),
                edits: row.get::<_, i32>(8).unsigned_abs(),
                content,
                edit_seqs: edit_seqs.map(|edits| edits.into_iter().map(seq).collect()),
            };
            of(facts, row)?.targets.insert(seq(row.get(1)), Some(target));
        }
        for row in &self.reactions {
            let word: Box<str> = row.get::<_, &str>(2).into();
            let all = of(facts, row)?.reactions.entry(seq(row.get(1))).or_default();
            if row.get(6) {
                all.by.insert((word.clone(), columns::user(row.get(3))?));
            }
            if let Some(count) = row.get::<_, Option<i64>>(4) {
                let count = ReactionCount { count: count.unsigned_abs(), first: seq(row.get(5)) };
                all.counts.insert(word, count);
            }
            if let Some(different) = row.get::<_, Option<i64>>(7) {
                all.different = usize::try_from(different).unwrap_or_default();
            }
        }
        for row in &self.pins {
            of(facts, row)?.pins.insert(seq(row.get(1)), seq(row.get(2)));
        }
        for row in &self.infos {
            let data = row.get::<_, Option<String>>(2).map(Json::trusted);
            of(facts, row)?.info = RoomInfo { topic: row.get::<_, String>(1).into(), data };
        }
        for row in &self.admins {
            of(facts, row)?.admins = (row.get::<_, i64>(1).unsigned_abs(), row.get::<_, i64>(2).unsigned_abs());
        }
        Ok(())
    }
}

/// The facts of the room that a row begins with.
fn of<'a>(facts: &'a mut HashMap<RoomId, RoomFacts>, row: &Row) -> Result<&'a mut RoomFacts, StoreError> {
    Ok(facts.entry(columns::room(row.get(0))?).or_default())
}

type Array = Box<dyn ToSql + Sync + Send>;

fn array<T: ToSql + Sync + Send + 'static>(values: impl Iterator<Item = T>) -> Array
where
    Vec<T>: ToSql,
{
    Box::new(values.collect::<Vec<T>>())
}

/// What is to be written of what hangs on messages: statements, each with its arrays.
pub(super) struct DeepWrites(Vec<(Statement, Vec<Array>)>);

impl PostgresStore {
    /// Prepares the writes of a batch.
    pub(super) async fn prepare_writes(
        &self,
        lease: &Lease,
        changes: &Changes,
        numbers: &Numbers,
    ) -> Result<DeepWrites, StoreError> {
        let sql = &self.deep;
        let mut writes = Vec::new();
        let no = |room: &RoomId| numbers.get(room).copied().unwrap_or_default();
        let (speakers, threads) = (&changes.speakers, &changes.threads);
        add(&mut writes, &sql.speak, speakers.len(), &|| {
            vec![
                array(speakers.keys().map(|(room, _)| no(room))),
                array(speakers.keys().map(|(_, user)| user.as_str().to_owned())),
                array(speakers.values().map(|speaker| speaker.muted_until.map(|at| at.0))),
                array(speakers.values().map(|speaker| speaker.wrote_at.map(|at| at.0))),
                array(speakers.values().map(|speaker| speaker.was_reader)),
            ]
        });
        let infos = &changes.infos;
        add(&mut writes, &sql.inform, infos.len(), &|| {
            vec![
                array(infos.keys().map(no)),
                array(infos.values().map(|info| info.topic.to_string())),
                array(infos.values().map(|info| info.data.as_ref().map(|data| data.as_str().to_owned()))),
            ]
        });
        add(&mut writes, &sql.point, changes.edits.len(), &|| {
            vec![
                array(changes.edits.keys().map(|(room, _)| no(room))),
                array(changes.edits.keys().map(|(_, target)| number(*target))),
                array(changes.edits.values().map(|newest| number(newest.seq))),
                array(changes.edits.values().map(|newest| newest.edits.cast_signed())),
            ]
        });
        add(&mut writes, &sql.reply, threads.len(), &|| {
            vec![
                array(threads.keys().map(|(room, _)| no(room))),
                array(threads.keys().map(|(_, root)| number(*root))),
                array(threads.values().map(|thread| thread.replies)),
                array(threads.values().map(|thread| thread.last.map_or(0, |(seq, _)| number(seq)))),
                array(threads.values().map(|thread| thread.last.map_or(0, |(_, at)| at.0))),
            ]
        });
        let reactions = |added: bool| changes.reactions.iter().filter(move |(_, seq)| seq.is_some() == added);
        let of_reactions = |added: bool| {
            vec![
                array(reactions(added).map(|((room, ..), _)| no(room))),
                array(reactions(added).map(|((_, target, ..), _)| number(*target))),
                array(reactions(added).map(|((_, _, word, _), _)| word.to_string())),
                array(reactions(added).map(|((.., user), _)| user.as_str().to_owned())),
            ]
        };
        add(&mut writes, &sql.react, reactions(true).count(), &|| {
            let mut arrays = of_reactions(true);
            arrays.push(array(reactions(true).map(|(_, seq)| seq.map_or(0, number))));
            arrays
        });
        add(&mut writes, &sql.unreact, reactions(false).count(), &|| of_reactions(false));
        let counts = |there: bool| changes.counts.iter().filter(move |(_, count)| count.is_some() == there);
        let of_counts = |there: bool| {
            vec![
                array(counts(there).map(|((room, ..), _)| no(room))),
                array(counts(there).map(|((_, target, _), _)| number(*target))),
                array(counts(there).map(|((.., word), _)| word.to_string())),
            ]
        };
        add(&mut writes, &sql.count, counts(true).count(), &|| {
            let mut arrays = of_counts(true);
            arrays.push(array(counts(true).map(|(_, count)| count.map_or(0, |count| count.count.cast_signed()))));
            arrays.push(array(counts(true).map(|(_, count)| count.map_or(0, |count| number(count.first)))));
            arrays
        });
        add(&mut writes, &sql.uncount, counts(false).count(), &|| of_counts(false));
        let pins = |pinned: bool| changes.pins.iter().filter(move |(_, seq)| seq.is_some() == pinned);
        let of_pins = |pinned: bool| {
            vec![
                array(pins(pinned).map(|((room, _), _)| no(room))),
                array(pins(pinned).map(|((_, target), _)| number(*target))),
            ]
        };
        add(&mut writes, &sql.pin, pins(true).count(), &|| {
            let mut arrays = of_pins(true);
            arrays.push(array(pins(true).map(|(_, seq)| seq.map_or(0, number))));
            arrays
        });
        add(&mut writes, &sql.unpin, pins(false).count(), &|| of_pins(false));
        // Last: what is deleted in this batch may have been written, edited and reacted to in it.
        let blanked = || changes.blanked.iter().flat_map(|(room, seqs)| seqs.iter().map(move |seq| (room, seq)));
        add(&mut writes, &sql.blank, changes.blanked.len(), &|| {
            vec![array(blanked().map(|(room, _)| no(room))), array(blanked().map(|(_, seq)| number(*seq)))]
        });
        // A portal that did not take it may have quoted it. Which entry a session has tried last is not written down: it is behind
        // the position. Cursors of all these rooms are locked already.
        add(&mut writes, &sql.unquote, changes.blanked.len(), &|| {
            vec![array(blanked().map(|(room, _)| no(room))), array(blanked().map(|(_, seq)| number(*seq)))]
        });
        let deleted = &changes.deleted;
        add(&mut writes, &sql.forget_counts, deleted.len(), &|| {
            vec![array(deleted.iter().map(|(room, _)| no(room))), array(deleted.iter().map(|(_, seq)| number(*seq)))]
        });

        let mut prepared = Vec::with_capacity(writes.len());
        for (sql, arrays) in writes {
            prepared.push((lease.prepare_cached(sql).await?, arrays));
        }
        Ok(DeepWrites(prepared))
    }
}

fn add<'a>(writes: &mut Vec<(&'a str, Vec<Array>)>, sql: &'a str, rows: usize, arrays: &dyn Fn() -> Vec<Array>) {
    if rows > 0 {
        writes.push((sql, arrays()));
    }
}

impl DeepWrites {
    /// Sends all of them when it is first polled, in order.
    pub async fn execute(&self, lease: &Lease) -> Result<(), Error> {
        let each = self.0.iter().map(|(statement, arrays)| async move {
            let arrays: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| &**array as &(dyn ToSql + Sync)).collect();
            lease.execute(statement, &arrays).await
        });
        join_all(each).await.into_iter().try_for_each(|done| done.map(drop))
    }
}
