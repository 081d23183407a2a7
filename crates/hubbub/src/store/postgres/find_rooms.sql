-- Rooms from the id $1 on and before $2, of which $4 are looked at: at most $5 of those in which something has happened since
-- $3, and the first that was not looked at, to tell whether there are others.
SELECT found.*, (SELECT incarnation FROM hubbub.meta) AS incarnation
FROM (
    SELECT near.*, i.topic, coalesce(e.at, near.created_at) AS active_at, row_number() OVER (ORDER BY near.id) AS nth,
           lag(near.id) OVER (ORDER BY near.id) AS before
    FROM (
        SELECT r.no, r.id, r.kind, r.name, r.head, r.floor, r.generation, r.settings, r.created_at,
               NULL::text AS standing, NULL::text AS rank
        /* which */ AND r.id >= $1::text AND r.id < $2::text
        ORDER BY r.id LIMIT $4::bigint + 1
    ) near
    LEFT JOIN LATERAL (SELECT topic FROM hubbub.room_infos WHERE room_infos.room = near.no LIMIT 1) i ON true
    LEFT JOIN LATERAL (
        SELECT at FROM hubbub.entries WHERE entries.room = near.no AND entries.seq = near.head LIMIT 1
    ) e ON true
) found
WHERE nth > $4::bigint OR (kind <> 'deleted' AND ($3::bigint IS NULL OR active_at >= $3::bigint))
ORDER BY id LIMIT $5::bigint + 1
