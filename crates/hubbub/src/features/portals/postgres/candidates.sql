-- Sessions of the active portals $1 among which it is decided whose turn it is: of each the $3 that are due longest, the $3 that
-- are due latest, and the $4 that are due longest of those whose next message has failed. The customers $5 have as many places of
-- the portals $2 as they may have.
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), wanted AS MATERIALIZED (
    SELECT p.no, p.id, ARRAY(
        SELECT f.customer FROM unnest($2::text[], $5::text[]) AS f (portal, customer) WHERE f.portal = p.id
    ) AS full_customers
    FROM hubbub.portals p WHERE p.id = ANY($1::text[]) AND p.standing = 'active'
)
SELECT wanted.id AS portal_id, found.room, found.customer, found.since IS NULL AS fresh, found.counted, found.due_at
FROM wanted CROSS JOIN clock CROSS JOIN LATERAL (
    (SELECT c.room, s.customer, c.since, c.counted, c.due_at
     FROM hubbub.cursors c JOIN hubbub.sessions s ON s.room = c.room
     WHERE c.portal = wanted.no AND c.due_at <= clock.now AND s.customer <> ALL(wanted.full_customers)
     ORDER BY c.due_at LIMIT $3::bigint)
    UNION
    (SELECT c.room, s.customer, c.since, c.counted, c.due_at
     FROM hubbub.cursors c JOIN hubbub.sessions s ON s.room = c.room
     WHERE c.portal = wanted.no AND c.due_at <= clock.now AND s.customer <> ALL(wanted.full_customers)
     ORDER BY c.due_at DESC LIMIT $3::bigint)
    UNION
    (SELECT c.room, s.customer, c.since, c.counted, c.due_at
     FROM hubbub.cursors c JOIN hubbub.sessions s ON s.room = c.room
     WHERE c.portal = wanted.no AND c.due_at <= clock.now AND c.since IS NOT NULL AND s.customer <> ALL(wanted.full_customers)
     ORDER BY c.due_at LIMIT $4::bigint)
) found
ORDER BY wanted.id, found.due_at
