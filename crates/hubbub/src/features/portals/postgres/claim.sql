-- Claims at most $2 cursors that are due of each of the portals $1, for $3 milliseconds. One look into the index of what is due
-- for each portal; what others hold is passed over.
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), wanted AS MATERIALIZED (
    SELECT p.no, p.id, w.most
    FROM unnest($1::text[], $2::bigint[]) AS w (portal, most)
    JOIN hubbub.portals p ON p.id = w.portal AND p.standing = 'active'
), due AS MATERIALIZED (
    SELECT found.room, wanted.id
    FROM wanted CROSS JOIN clock CROSS JOIN LATERAL (
        SELECT c.room FROM hubbub.cursors c
        WHERE c.portal = wanted.no AND c.due_at <= clock.now
        ORDER BY c.due_at LIMIT wanted.most FOR UPDATE SKIP LOCKED
    ) found
), claimed AS (
    UPDATE hubbub.cursors SET leased = true, due_at = clock.now + $3::bigint, fence = cursors.fence + 1
    FROM due, clock WHERE cursors.room = due.room
    RETURNING cursors.*, due.id AS portal_id
)
SELECT c.room AS cursor_room, c.portal AS cursor_reader, c.position AS cursor_position, c.head AS cursor_head,
       c.due_at AS cursor_due_at, c.leased AS cursor_leased, c.fence AS cursor_fence,
       c.waiting_since AS cursor_waiting_since, c.counted AS cursor_counted, c.since AS cursor_since,
       c.attempts AS cursor_attempts, c.blocked AS cursor_blocked, c.replays AS cursor_replays,
       c.portal_id, r.id AS session_id, s.customer, s.external
FROM claimed c JOIN hubbub.rooms r ON r.no = c.room JOIN hubbub.sessions s ON s.room = c.room
