-- The rooms of $1 after $2: at most $3, with their newest messages, as long as these weigh no more than $4 (each $5 more than
-- its content). One more is looked at, to tell whether there are others.
SELECT part.id, part.kind, part.name, part.head, part.floor, part.generation,
       (SELECT incarnation FROM hubbub.meta), part.standing,
       e_seq, e_id, e_author, e_at, e_key, e_kind, e_text, e_data, e_target, e_subject, e_role,
       nth < total
FROM (
    SELECT r.*,
           e.seq AS e_seq, e.id AS e_id, e.author AS e_author, e.at AS e_at, e.key AS e_key, e.kind AS e_kind,
           e.text AS e_text, e.data AS e_data, e.target AS e_target, e.subject AS e_subject, e.role AS e_role,
           row_number() OVER (ORDER BY r.id) AS nth,
           count(*) OVER () AS total,
           sum(CASE WHEN e.seq IS NULL THEN 0
               ELSE $5::bigint + coalesce(octet_length(e.text), 0) + coalesce(octet_length(e.data), 0) END)
               OVER (ORDER BY r.id) AS weighed
    FROM (
        SELECT rooms.*, m.standing FROM hubbub.members m JOIN hubbub.rooms ON rooms.no = m.room
        WHERE m.user_id = $1::text AND m.standing <> 'banned' AND rooms.id > $2::text
        ORDER BY rooms.id LIMIT $3::bigint + 1
    ) r
    LEFT JOIN LATERAL (
        SELECT * FROM hubbub.entries WHERE entries.room = r.no AND entries.seq = r.last_message LIMIT 1
    ) e ON true
) part
WHERE nth <= $3::bigint AND (nth = 1 OR weighed <= $4::bigint)
ORDER BY part.id
