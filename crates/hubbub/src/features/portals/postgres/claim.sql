-- Claims cursors for $5 milliseconds: of the portals $1, at most $2 of each, out of the rooms $3 of the portals $4, in this order.
-- What others hold, or have claimed meanwhile, is passed over.
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), turns AS MATERIALIZED (
    SELECT * FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS t (room, portal, ord)
), due AS MATERIALIZED (
    SELECT found.room, p.id
    FROM unnest($1::text[], $2::bigint[]) AS w (portal, most)
    JOIN hubbub.portals p ON p.id = w.portal AND p.standing = 'active'
    CROSS JOIN clock CROSS JOIN LATERAL (
        SELECT c.room FROM turns JOIN hubbub.cursors c ON c.room = turns.room
        WHERE turns.portal = w.portal AND c.portal = p.no AND c.due_at <= clock.now
        ORDER BY turns.ord LIMIT w.most FOR UPDATE OF c SKIP LOCKED
    ) found
), claimed AS (
    UPDATE hubbub.cursors SET leased = true, due_at = clock.now + $5::bigint, fence = cursors.fence + 1
    FROM due, clock WHERE cursors.room = due.room
    RETURNING cursors.*, due.id AS portal_id
)
SELECT c.room AS cursor_room, c.portal AS cursor_reader, c.position AS cursor_position, c.head AS cursor_head,
       c.due_at AS cursor_due_at, c.leased AS cursor_leased, c.fence AS cursor_fence,
       c.waiting_since AS cursor_waiting_since, c.counted AS cursor_counted, c.since AS cursor_since,
       c.attempts AS cursor_attempts, c.blocked AS cursor_blocked, c.replays AS cursor_replays,
       c.calls AS cursor_calls,
       c.portal_id, r.id AS session_id, s.customer,
       coalesce((SELECT x.external FROM hubbub.session_externals x WHERE x.room = c.room ORDER BY x.since DESC LIMIT 1),
                s.external) AS external
FROM claimed c JOIN hubbub.rooms r ON r.no = c.room JOIN hubbub.sessions s ON s.room = c.room
