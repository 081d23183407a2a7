-- What people read, as it is now: one statement, one snapshot, whatever hangs on it. The parts are those of page.sql.
WITH room AS MATERIALIZED (
    SELECT r.no, r.id, r.kind, r.name, r.head, r.generation, meta.incarnation, m.standing, m.rank, r.settings,
           CASE WHEN $2::text IS NULL THEN r.floor ELSE /* floor */ END AS floor
    FROM hubbub.rooms r
    CROSS JOIN hubbub.meta
    LEFT JOIN hubbub.members m ON m.room = r.no AND m.user_id = $2::text
    WHERE r.id = $1::text
)
SELECT room.id, room.kind, room.name, room.head, room.floor, room.generation, room.incarnation, room.standing, room.rank, room.settings,
       /* entry */,
       /* hung */
FROM room
LEFT JOIN LATERAL (
    (
        SELECT * FROM (
            SELECT now.*, row_number() OVER (ORDER BY now.seq DESC) AS nth,
                   sum($8::bigint + coalesce(octet_length(now.text), 0) + coalesce(octet_length(now.data), 0)
                       + coalesce(octet_length(now.body), 0) + coalesce(now.weight, 0))
                       OVER (ORDER BY now.seq DESC) AS weighed
            FROM (
                SELECT * FROM /* entries */
                WHERE entries.room = room.no AND entries.seq < $3::bigint AND entries.seq >= room.floor
                    AND /* those */
                ORDER BY entries.seq DESC LIMIT $4::bigint
            ) near
            CROSS JOIN LATERAL (/* now */) now
        ) part WHERE nth = 1 OR weighed <= $5::bigint
    )
    UNION ALL
    (
        SELECT * FROM (
            SELECT now.*, row_number() OVER (ORDER BY now.seq) AS nth,
                   sum($8::bigint + coalesce(octet_length(now.text), 0) + coalesce(octet_length(now.data), 0)
                       + coalesce(octet_length(now.body), 0) + coalesce(now.weight, 0))
                       OVER (ORDER BY now.seq) AS weighed
            FROM (
                SELECT * FROM /* entries */
                WHERE entries.room = room.no AND entries.seq >= $3::bigint AND entries.seq >= room.floor
                    AND /* those */
                ORDER BY entries.seq LIMIT $6::bigint
            ) near
            CROSS JOIN LATERAL (/* now */) now
        ) part WHERE nth = 1 OR weighed <= $7::bigint
    )
) e ON true
ORDER BY e.seq
