-- What is in quarantine and whose session is known, by number: the first $1 of each session, $2 in all.
SELECT q.no, p.id AS portal_id, p.no AS portal_no, q.at, q.session, q.external, q.author, q.text, q.data, q.event, q.awaits,
       q.until, s.id AS session_id
FROM (
    SELECT leaving.*, row_number() OVER (PARTITION BY leaving.room ORDER BY leaving.no) AS nth
    FROM hubbub.quarantine leaving WHERE leaving.room IS NOT NULL
) q
JOIN hubbub.portals p ON p.no = q.portal
JOIN hubbub.sessions s ON s.room = q.room
WHERE q.nth <= $1::bigint
ORDER BY q.no LIMIT $2::bigint
