-- Dead letters of the portal $1 and the session $2 (NULL: of all), by number after $3, at most $4.
SELECT d.no, p.id, r.id, d.at, d.why, d.attempts, d.replaying, d.delivered_at,
       e.seq, e.id, e.author, e.at, e.key, e.kind, e.text, e.data, e.target, e.subject, e.role
FROM hubbub.dead_letters d
JOIN hubbub.portals p ON p.no = d.portal
JOIN hubbub.rooms r ON r.no = d.room
JOIN hubbub.entries e ON e.room = d.room AND e.seq = d.seq
WHERE ($1::text IS NULL OR p.id = $1) AND ($2::text IS NULL OR r.id = $2) AND d.no > $3::bigint
ORDER BY d.no LIMIT $4::bigint
