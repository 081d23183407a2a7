-- Who has reacted to the message $3 of the room $1, behind the reaction $4 and the user $5, or with that reaction alone: at most $6.
-- One more is looked at, to tell whether there are others. $2 asks.
WITH room AS MATERIALIZED (
    SELECT r.no, r.id, r.kind, r.name, r.head, r.generation, meta.incarnation, m.standing, m.rank, r.settings,
           CASE WHEN $2::text IS NULL THEN r.floor ELSE /* floor */ END AS floor
    FROM hubbub.rooms r
    CROSS JOIN hubbub.meta
    LEFT JOIN hubbub.members m ON m.room = coalesce(r.was, r.no) AND m.user_id = $2::text
    WHERE r.id = $1::text
)
SELECT room.id, room.kind, room.name, room.head, room.floor, room.generation, room.incarnation, room.standing, room.rank, room.settings,
       e.seq IS NOT NULL AS is_message, x.reaction, x.user_id, x.seq AS reacted_by
FROM room
LEFT JOIN LATERAL (
    SELECT entries.seq, entries.gone FROM hubbub.entries
    WHERE entries.room = room.no AND entries.seq = $3::bigint AND entries.kind = 'message' LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT r.reaction, r.user_id, r.seq FROM hubbub.reactions r
    WHERE e.gone IS NOT TRUE AND r.room = room.no AND r.target = e.seq
        AND /* those */
    ORDER BY r.reaction, r.user_id LIMIT $6::bigint + 1
) x ON true
ORDER BY x.reaction, x.user_id
