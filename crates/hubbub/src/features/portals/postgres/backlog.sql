-- How much waits for each portal; sessions in which nothing does are not looked at.
SELECT p.id, coalesce(w.sessions, 0) + coalesce(b.sessions, 0) AS waiting, least(w.oldest, b.oldest) AS oldest,
       (SELECT count(*) FROM hubbub.dead_letters d WHERE d.portal = p.no AND d.delivered_at IS NULL
            -- One look-up for each, and never a join.
            AND NOT coalesce((SELECT e.gone FROM hubbub.entries e WHERE e.room = d.room AND e.seq = d.seq), false)) AS dead,
       (SELECT count(*) FROM hubbub.quarantine q WHERE q.portal = p.no) AS quarantined
FROM (SELECT * FROM hubbub.portals WHERE deleted_at IS NULL) p
LEFT JOIN LATERAL (
    SELECT count(*) AS sessions, min(c.waiting_since) AS oldest FROM hubbub.cursors c
    WHERE c.portal = p.no AND c.due_at IS NOT NULL AND NOT c.blocked AND c.position < c.head
) w ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS sessions, min(c.waiting_since) AS oldest FROM hubbub.cursors c
    WHERE c.portal = p.no AND c.blocked AND c.position < c.head
) b ON true
ORDER BY p.id
