-- One statement, one snapshot: the standing, the head and the entries belong together.
-- Below the pivot ($3) at most $4 entries, the nearest to it; from it on at most $6; each part ends early by its bytes.
WITH room AS MATERIALIZED (
    SELECT r.no, r.id, r.kind, r.name, r.head, r.generation, meta.incarnation, m.standing, m.rank, r.settings,
           CASE WHEN $2::text IS NULL THEN r.floor ELSE /* floor */ END AS floor
    FROM hubbub.rooms r
    CROSS JOIN hubbub.meta
    LEFT JOIN hubbub.members m ON m.room = coalesce(r.was, r.no) AND m.user_id = $2::text
    WHERE r.id = $1::text
)
SELECT room.id, room.kind, room.name, room.head, room.floor, room.generation, room.incarnation, room.standing, room.rank, room.settings,
       /* entry */
FROM room
LEFT JOIN LATERAL (
    (
        SELECT * FROM (
            SELECT near.*, row_number() OVER (ORDER BY near.seq DESC) AS nth,
                   sum($8::bigint + coalesce(octet_length(near.text), 0) + coalesce(octet_length(near.data), 0)
                       + coalesce(octet_length(near.body), 0))
                       OVER (ORDER BY near.seq DESC) AS weighed
            FROM (
                SELECT * FROM hubbub.entries
                WHERE entries.room = room.no AND entries.seq < $3::bigint AND entries.seq >= room.floor
                ORDER BY entries.seq DESC LIMIT $4::bigint
            ) near
        ) part WHERE nth = 1 OR weighed <= $5::bigint
    )
    UNION ALL
    (
        SELECT * FROM (
            SELECT near.*, row_number() OVER (ORDER BY near.seq) AS nth,
                   sum($8::bigint + coalesce(octet_length(near.text), 0) + coalesce(octet_length(near.data), 0)
                       + coalesce(octet_length(near.body), 0))
                       OVER (ORDER BY near.seq) AS weighed
            FROM (
                SELECT * FROM hubbub.entries
                WHERE entries.room = room.no AND entries.seq >= $3::bigint AND entries.seq >= room.floor
                ORDER BY entries.seq LIMIT $6::bigint
            ) near
        ) part WHERE nth = 1 OR weighed <= $7::bigint
    )
) e ON true
ORDER BY e.seq
