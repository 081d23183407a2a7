-- The rooms of $1 after $2: at most $3, with their newest messages, as long as these weigh no more than $4 (each $5 more than
-- its content). One more is looked at, to tell whether there are others.
SELECT part.*, (SELECT incarnation FROM hubbub.meta) AS incarnation, nth < total AS more
FROM (
    SELECT r.id, r.kind, r.name, r.head, r.floor, r.generation, r.standing, r.rank,
           /* entry */,
           row_number() OVER (ORDER BY r.id) AS nth,
           count(*) OVER () AS total,
           sum(CASE WHEN e.seq IS NULL THEN 0
               ELSE $5::bigint + coalesce(octet_length(e.text), 0) + coalesce(octet_length(e.data), 0)
                   + coalesce(octet_length(e.body), 0) END)
               OVER (ORDER BY r.id) AS weighed
    FROM (
        SELECT rooms.*, m.standing, m.rank FROM hubbub.members m JOIN hubbub.rooms ON rooms.no = m.room
        WHERE m.user_id = $1::text AND m.standing <> 'banned' AND rooms.id > $2::text
        ORDER BY rooms.id LIMIT $3::bigint + 1
    ) r
    LEFT JOIN LATERAL (
        SELECT * FROM hubbub.entries WHERE entries.room = r.no AND entries.seq = r.last_message LIMIT 1
    ) e ON true
) part
WHERE nth <= $3::bigint AND (nth = 1 OR weighed <= $4::bigint)
ORDER BY part.id
