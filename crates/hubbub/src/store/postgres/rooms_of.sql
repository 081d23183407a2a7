-- The rooms of $1 after $2: at most $3, with the newest messages that they show, as these are now, as long as these weigh no more
-- than $4 (each $5 more than its content), and with what is unread. One more is looked at, to tell whether there are others.
SELECT r.*, (SELECT incarnation FROM hubbub.meta) AS incarnation, r.nth < r.total AS more, unread.*
FROM (
    SELECT r.no, r.joined_at, r.id, r.kind, r.name, r.head, r.reads_from AS floor, r.generation, r.standing, r.rank, r.settings,
           coalesce(i.topic, '') AS topic, i.data AS room_data,
           p.notify AS p_notify, p.pinned AS p_pinned, p.hidden AS p_hidden, p.unread_from AS p_unread_from,
           /* entry */,
           /* hung */,
           row_number() OVER (ORDER BY r.id) AS nth,
           count(*) OVER () AS total,
           sum(coalesce(octet_length(i.topic), 0) + coalesce(octet_length(i.data), 0) + CASE WHEN e.seq IS NULL THEN 0
               ELSE $5::bigint + coalesce(octet_length(e.text), 0) + coalesce(octet_length(e.data), 0)
                   + coalesce(octet_length(e.body), 0) + coalesce(e.weight, 0) END)
               OVER (ORDER BY r.id) AS weighed
    FROM (
        SELECT r.*, m.standing, m.rank, coalesce(m.joined, m.since) AS joined_at, /* floor */ AS reads_from
        FROM hubbub.members m JOIN hubbub.rooms r ON r.no = m.room
        WHERE m.user_id = $1::text AND m.standing <> 'banned' AND r.id > $2::text
        ORDER BY r.id LIMIT $3::bigint + 1
    ) r
    LEFT JOIN LATERAL (SELECT * FROM hubbub.preferences WHERE preferences.room = r.no AND preferences.user_id = $1::text LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT topic, data FROM hubbub.room_infos WHERE room_infos.room = r.no LIMIT 1) i ON true
    LEFT JOIN LATERAL (
        SELECT now.* FROM (
            SELECT *, nullif(kind = 'message', false) AS reactions FROM hubbub.entries
            WHERE entries.room = r.no AND entries.seq = r.last_message AND entries.seq >= r.reads_from LIMIT 1
        ) near
        CROSS JOIN LATERAL (/* now */) now
    ) e ON true
) r
CROSS JOIN LATERAL (/* unread */) unread
WHERE r.nth <= $3::bigint AND (r.nth = 1 OR r.weighed <= $4::bigint)
ORDER BY r.id
