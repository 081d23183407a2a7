-- The logs of the sessions $1 have grown, from $2 on to $3. Where $4 holds, the session's portal wrote all that is new, and a cursor
-- with nothing to do moves along: nothing to do by the log, not by the head they know, as a program that knows no cursors may have written.
-- Rows are locked in the order of their rooms, as everywhere.
WITH new AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[]) AS n (room, first, head, by_portal)
), held AS MATERIALIZED (
    SELECT room FROM hubbub.cursors WHERE room IN (SELECT room FROM new) ORDER BY room FOR UPDATE
), clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
)
UPDATE hubbub.cursors c SET
    head = new.head,
    position = CASE WHEN new.by_portal AND c.due_at IS NULL AND NOT c.blocked AND c.position = new.first - 1
        THEN new.head ELSE c.position END,
    waiting_since = CASE WHEN new.by_portal AND c.due_at IS NULL AND NOT c.blocked AND c.position = new.first - 1
        THEN NULL ELSE coalesce(c.waiting_since, clock.now) END,
    due_at = CASE WHEN c.blocked OR (new.by_portal AND c.due_at IS NULL AND c.position = new.first - 1)
        THEN c.due_at ELSE coalesce(c.due_at, clock.now) END
FROM new, held, clock
WHERE c.room = new.room AND held.room = new.room
