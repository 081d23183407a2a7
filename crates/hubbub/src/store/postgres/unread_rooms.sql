-- Of the rooms of $1 after $2, by id, at most $3, what is unread there. One more is looked for, to tell whether there are others.
SELECT r.id, r.head, r.nth < r.total AS more, unread.*
FROM (
    SELECT r.*, row_number() OVER (ORDER BY r.id) AS nth, count(*) OVER () AS total
    FROM (
        SELECT r.no, r.id, r.head, coalesce(m.joined, m.since) AS joined_at
        FROM hubbub.members m JOIN hubbub.rooms r ON r.no = m.room
        WHERE m.user_id = $1::text AND m.standing <> 'banned' AND r.id > $2::text
        ORDER BY r.id LIMIT $3::bigint + 1
    ) r
) r
CROSS JOIN LATERAL (/* unread */) unread
WHERE r.nth <= $3::bigint
ORDER BY r.id
