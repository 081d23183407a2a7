-- Sessions by id, at most $1, as long as they weigh no more than $2 (each $3 more than its attempts); one more is looked at, to
-- tell whether there are others. Of the entries that were given up on, the first $4 are named; of
-- former ids of the portal's $5, of other sessions with the same id $6. The conditions are put in for the comment.
SELECT id, kind, name, head, floor, generation, (SELECT incarnation FROM hubbub.meta) AS incarnation,
       NULL::text AS standing,
       NULL::text AS rank,
       NULL::text AS settings,
       cursor_room, cursor_reader, cursor_position, cursor_head, cursor_due_at, cursor_leased, cursor_fence,
       cursor_waiting_since, cursor_counted, cursor_since, cursor_attempts, cursor_blocked, cursor_replays,
       cursor_calls, portal_id, customer, external, refs, session AS state,
       ARRAY(SELECT d.seq FROM hubbub.dead_letters d WHERE d.room = weighty.cursor_room AND d.delivered_at IS NULL
             ORDER BY d.seq LIMIT $4::bigint) AS failed,
       ARRAY(SELECT x.external FROM hubbub.session_externals x
             WHERE x.room = weighty.cursor_room AND x.external IS DISTINCT FROM weighty.external
             ORDER BY x.since DESC LIMIT $5::bigint) AS externals,
       ARRAY(SELECT o.id FROM hubbub.session_externals x JOIN hubbub.sessions o ON o.room = x.room
             WHERE x.portal = weighty.cursor_reader AND x.external = weighty.external AND x.room <> weighty.cursor_room
                 AND NOT EXISTS (SELECT FROM hubbub.session_externals y WHERE y.room = x.room AND y.since > x.since)
             ORDER BY x.since DESC LIMIT $6::bigint) AS shared_with,
       nth < total AS more
FROM (
    SELECT part.*, row_number() OVER (ORDER BY part.id) AS nth, count(*) OVER () AS total,
           sum($3::bigint + octet_length(part.cursor_attempts)
               + coalesce(octet_length(part.cursor_calls), 0) + coalesce(octet_length(part.refs), 0)) OVER (ORDER BY part.id) AS weighed
    FROM (
        SELECT s.id, r.kind, r.name, r.head, r.floor, r.generation, r.session, s.customer, s.refs, p.id AS portal_id,
               coalesce((SELECT x.external FROM hubbub.session_externals x WHERE x.room = s.room
                         ORDER BY x.since DESC LIMIT 1), s.external) AS external,
               c.room AS cursor_room, c.portal AS cursor_reader, c.position AS cursor_position, c.head AS cursor_head,
               c.due_at AS cursor_due_at, c.leased AS cursor_leased, c.fence AS cursor_fence,
               c.waiting_since AS cursor_waiting_since, c.counted AS cursor_counted, c.since AS cursor_since,
               c.attempts AS cursor_attempts, c.blocked AS cursor_blocked, c.replays AS cursor_replays,
               c.calls AS cursor_calls
        FROM hubbub.sessions s
        JOIN hubbub.rooms r ON r.no = s.room
        JOIN hubbub.cursors c ON c.room = s.room
        JOIN hubbub.portals p ON p.no = s.portal
        WHERE /* which */
        ORDER BY s.id LIMIT $1::bigint + 1
    ) part
) weighty
WHERE nth <= $1 AND (nth = 1 OR weighed <= $2::bigint)
ORDER BY id
