-- The logs of the sessions $1 have grown to $2. With $3 their portals wrote all that is new, and cursors with nothing to do move
-- along. Rows are locked in the order of their rooms, as everywhere.
WITH new AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (room, head)
), held AS MATERIALIZED (
    SELECT room FROM hubbub.cursors WHERE room IN (SELECT room FROM new) ORDER BY room FOR UPDATE
), clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
)
UPDATE hubbub.cursors c SET
    head = new.head,
    position = CASE WHEN $3::boolean AND c.due_at IS NULL AND NOT c.blocked AND c.position = c.head
        THEN new.head ELSE c.position END,
    waiting_since = CASE WHEN $3 AND c.due_at IS NULL AND NOT c.blocked AND c.position = c.head
        THEN NULL ELSE coalesce(c.waiting_since, clock.now) END,
    due_at = CASE WHEN c.blocked OR ($3 AND c.due_at IS NULL AND c.position = c.head)
        THEN c.due_at ELSE coalesce(c.due_at, clock.now) END
FROM new, held, clock
WHERE c.room = new.room AND held.room = new.room
