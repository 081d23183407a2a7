-- Messages only, no (room, author, key) twice. Runs after the rooms are locked, as a statement of its own:
-- its snapshot is taken after the wait, so it sees whatever the lock's former holders committed.
WITH draft AS MATERIALIZED (
    SELECT d.ord, d.author, d.key, d.id, d.hash, d.text, d.data, d.reply_to,
           r.no, r.kind, r.head, r.generation, r.session, m.standing,
           e.id AS first_id, e.seq AS first_seq, e.at AS first_at, e.hash AS first_hash,
           CASE
               WHEN r.no IS NULL THEN 'unknown'
               WHEN r.kind = 'deleted' THEN 'deleted'
               WHEN e.seq IS NOT NULL THEN 'known'
               WHEN m.standing IS NULL OR m.standing = 'banned' THEN 'stranger'
               WHEN r.session = 'closed' THEN 'closed'
               -- Whether they may write now is for the rule to say: the batch is decided one after another, elsewhere. Most
               -- settings say nothing of a message that answers none.
               WHEN r.settings LIKE '%/* frozen */%' OR r.settings LIKE '%/* archived */%'
                   OR r.settings NOT LIKE '%/* no slow mode */%' THEN 'by settings'
               WHEN r.settings IS NOT NULL AND d.reply_to IS NOT NULL THEN 'depends'
               WHEN m.rank = 'reader' THEN 'by person'
               WHEN /* blocked */ THEN 'by person'
               WHEN s.muted_until IS NOT NULL AND s.muted_until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                   THEN 'by person'
               WHEN d.reply_to IS NULL OR t.is_message THEN 'fresh'
               WHEN d.reply_to >= 1 AND d.reply_to < r.floor THEN 'below floor'
               WHEN d.reply_to BETWEEN 1 AND r.head THEN 'no target'
               -- Even if everything before it in the room is taken, it names no entry before it.
               WHEN d.reply_to < 1 OR d.reply_to >= r.head + row_number() OVER (PARTITION BY r.no ORDER BY d.ord)
                   THEN 'no target'
               -- It answers what another draft of this batch may become: to be decided one after another, elsewhere.
               ELSE 'depends'
           END AS verdict
    FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bytea[], $6::text[], $7::text[], $8::bigint[])
         WITH ORDINALITY AS d (room, author, key, id, hash, text, data, reply_to, ord)
    -- LIMIT keeps the planner to one index look-up per draft, whatever it believes about the tables' sizes.
    LEFT JOIN LATERAL (SELECT * FROM hubbub.rooms WHERE rooms.id = d.room LIMIT 1) r ON true
    LEFT JOIN LATERAL (
        SELECT standing, rank FROM hubbub.members WHERE members.room = r.no AND members.user_id = d.author LIMIT 1
    ) m ON true
    LEFT JOIN LATERAL (
        SELECT muted_until FROM hubbub.speakers WHERE speakers.room = r.no AND speakers.user_id = d.author LIMIT 1
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT true AS is_message FROM hubbub.entries
        WHERE entries.room = r.no AND entries.seq = d.reply_to AND entries.seq >= r.floor AND entries.kind = 'message' LIMIT 1
    ) t ON true
    LEFT JOIN LATERAL (
        SELECT id, seq, at, hash FROM hubbub.entries
        WHERE entries.room = r.no AND entries.author = d.author AND entries.key = d.key LIMIT 1
    ) e ON true
), clock AS MATERIALIZED (
    -- Not now(): that is when the transaction began, before the wait.
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at
), taken AS MATERIALIZED (
    SELECT draft.*, draft.head + row_number() OVER (PARTITION BY draft.no ORDER BY draft.ord) AS seq, clock.at
    FROM draft, clock
    WHERE draft.verdict = 'fresh' AND NOT EXISTS (SELECT FROM draft WHERE verdict IN ('depends', 'by settings', 'by person'))
), written AS (
    INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text, data, target)
    SELECT no, seq, id, 'message', author, at, key, hash, text, data, reply_to FROM taken
    WHERE seq <= 9007199254740991
    RETURNING room
), raised AS (
    UPDATE hubbub.rooms SET head = rooms.head + new.entries, last_message = rooms.head + new.entries
    FROM (SELECT room, count(*) AS entries FROM written GROUP BY room) new
    WHERE rooms.no = new.room
), said AS MATERIALIZED (
    -- What support sessions among the rooms have to tell their portals. Other rooms end here.
    SELECT no, max(seq) AS head, max(at) AS at FROM taken WHERE session IS NOT NULL AND seq <= 9007199254740991 GROUP BY no
), held AS MATERIALIZED (
    SELECT room FROM hubbub.cursors WHERE room IN (SELECT no FROM said) ORDER BY room FOR UPDATE
), marked AS (
    UPDATE hubbub.cursors SET head = said.head, waiting_since = coalesce(cursors.waiting_since, said.at),
        due_at = CASE WHEN cursors.blocked THEN cursors.due_at ELSE coalesce(cursors.due_at, said.at) END
    FROM said, held WHERE cursors.room = said.no AND held.room = said.no
)
SELECT draft.verdict, draft.kind, draft.standing, draft.generation, (SELECT incarnation FROM hubbub.meta),
       draft.first_id, draft.first_seq, draft.first_at, draft.first_hash, taken.seq, taken.at, taken.session IS NOT NULL
FROM draft LEFT JOIN taken ON taken.ord = draft.ord
ORDER BY draft.ord
