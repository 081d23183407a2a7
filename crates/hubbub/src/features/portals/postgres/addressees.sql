-- For each message of a portal ($1) the session of the id $2, if it is the portal's; and the sessions that have or had the portal's
-- own id $3, at most $4 of them, those told last: with their numbers, which ascend, whether they are open, and whether it is the
-- id that goes out from them.
SELECT p.no AS portal_no, named.id AS session_id,
       named.external IS NOT NULL
           OR EXISTS (SELECT FROM hubbub.session_externals x WHERE x.room = named.room) AS has_external,
       had.ids, had.made, had.open, had.current,
       EXISTS (SELECT FROM hubbub.quarantine q WHERE q.portal = p.no AND q.external = asked.external AND q.awaits)
           OR EXISTS (SELECT FROM hubbub.quarantine q WHERE q.room = named.room)
           OR EXISTS (SELECT FROM hubbub.quarantine q WHERE q.room = ANY(had.made)) AS behind,
       -- Looked for only where it matters.
       CASE WHEN asked.external IS NOT NULL AND named.room IS NULL AND had.made IS NULL
           THEN EXISTS (SELECT FROM hubbub.cursors c WHERE c.portal = p.no AND c.due_at IS NOT NULL)
           ELSE false END AS under_way
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (portal, session, external, ord)
LEFT JOIN hubbub.portals p ON p.id = asked.portal
LEFT JOIN LATERAL (
    SELECT * FROM hubbub.sessions s WHERE s.id = asked.session AND s.portal = p.no LIMIT 1
) named ON true
LEFT JOIN LATERAL (
    SELECT array_agg(held.id ORDER BY held.room) AS ids, array_agg(held.room ORDER BY held.room) AS made,
           array_agg(held.open ORDER BY held.room) AS open, array_agg(held.current ORDER BY held.room) AS current
    FROM (
        SELECT s.id, s.room, r.session IS DISTINCT FROM 'closed' AS open,
               coalesce((SELECT x.external FROM hubbub.session_externals x WHERE x.room = s.room
                         ORDER BY x.since DESC LIMIT 1), s.external) = asked.external AS current
        FROM (
            (SELECT x.room FROM hubbub.session_externals x WHERE x.portal = p.no AND x.external = asked.external
             ORDER BY x.since DESC LIMIT $4::bigint)
            UNION
            (SELECT l.room FROM hubbub.sessions l WHERE l.portal = p.no AND l.external = asked.external)
        ) holders
        JOIN hubbub.sessions s ON s.room = holders.room
        JOIN hubbub.rooms r ON r.no = holders.room
    ) held
) had ON asked.external IS NOT NULL
ORDER BY asked.ord
