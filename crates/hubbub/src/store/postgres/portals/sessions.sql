-- Sessions of the portal $1 and the customer $2 (NULL: of all), with $3 only those in which something waits, by id after $4, at
-- most $5; or, with $6, that one. Their failures are numbered up to $7.
SELECT r.id, r.kind, r.name, r.head, r.floor, r.generation, (SELECT incarnation FROM hubbub.meta), NULL::text,
       c.room, c.portal, c.position, c.head, c.due_at, c.leased, c.fence, c.waiting_since,
       c.counted, c.since, c.attempts, c.blocked, c.replays, p.id, s.customer, s.external, r.session,
       ARRAY(SELECT d.seq FROM hubbub.dead_letters d WHERE d.room = r.no AND d.delivered_at IS NULL
             ORDER BY d.seq LIMIT $7::bigint)
FROM hubbub.rooms r
JOIN hubbub.sessions s ON s.room = r.no
JOIN hubbub.cursors c ON c.room = r.no
JOIN hubbub.portals p ON p.no = s.portal
WHERE ($1::text IS NULL OR p.id = $1) AND ($2::text IS NULL OR s.customer = $2)
    AND (NOT $3::boolean OR c.position < c.head)
    AND r.id > $4::text AND ($6::text IS NULL OR r.id = $6)
ORDER BY r.id LIMIT $5::bigint
