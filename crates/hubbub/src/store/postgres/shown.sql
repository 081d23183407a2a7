-- What people read, as it is now: one statement, one snapshot, whatever hangs on it. The parts are those of page.sql.
WITH room AS MATERIALIZED (
    SELECT r.no, r.id, r.kind, r.name, r.head, r.generation, meta.incarnation, m.standing, m.rank, r.settings,
           CASE WHEN $2::text IS NULL THEN r.floor ELSE /* floor */ END AS floor
    FROM hubbub.rooms r
    CROSS JOIN hubbub.meta
    LEFT JOIN hubbub.members m ON m.room = coalesce(r.was, r.no) AND m.user_id = $2::text
    WHERE r.id = $1::text
)
SELECT room.id, room.kind, room.name, room.head, room.floor, room.generation, room.incarnation, room.standing, room.rank, room.settings,
       /* entry */,
       /* hung */
FROM room
LEFT JOIN LATERAL (
    /* below */
    UNION ALL
    /* above */
) e ON true
ORDER BY e.seq
