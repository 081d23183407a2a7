-- Sessions by id, at most $1, as long as they weigh no more than $2 (each $3 more than its attempts); one more is looked at, to
-- tell whether there are others. Their failures are numbered up to $4. Which, is put in for the comment.
SELECT id, kind, name, head, floor, generation, (SELECT incarnation FROM hubbub.meta) AS incarnation, NULL::text AS standing,
       room, portal, position, cursor_head, due_at, leased, fence, waiting_since, counted, since, attempts, blocked, replays,
       portal_id, customer, external, session,
       ARRAY(SELECT d.seq FROM hubbub.dead_letters d WHERE d.room = weighty.room AND d.delivered_at IS NULL
             ORDER BY d.seq LIMIT $4::bigint),
       nth < total AS more
FROM (
    SELECT part.*, row_number() OVER (ORDER BY part.id) AS nth, count(*) OVER () AS total,
           sum($3::bigint + octet_length(part.attempts)) OVER (ORDER BY part.id) AS weighed
    FROM (
        SELECT s.id, r.kind, r.name, r.head, r.floor, r.generation, r.session, s.customer, s.external, p.id AS portal_id,
               c.room, c.portal, c.position, c.head AS cursor_head, c.due_at, c.leased, c.fence, c.waiting_since,
               c.counted, c.since, c.attempts, c.blocked, c.replays
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
