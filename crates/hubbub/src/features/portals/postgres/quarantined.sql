-- What is in quarantine of the portal $4 by number after $5, at most $1, as long as it weighs no more than $2 (each $3 more than
-- its content); one more is looked at, to tell whether there are others.
SELECT no, portal_id, at, session, external, author, text, data, event, awaits, until, nth < total AS more
FROM (
    SELECT part.*, row_number() OVER (ORDER BY part.no) AS nth, count(*) OVER () AS total,
           sum($3::bigint + octet_length(part.text) + coalesce(octet_length(part.data), 0)) OVER (ORDER BY part.no) AS weighed
    FROM (
        SELECT q.no, p.id AS portal_id, q.at, q.session, q.external, q.author, q.text, q.data, q.event, q.awaits,
               q.until
        FROM hubbub.portals p JOIN hubbub.quarantine q ON q.portal = p.no
        WHERE p.id = $4::text AND q.no > $5::bigint
        ORDER BY q.no LIMIT $1::bigint + 1
    ) part
) weighty
WHERE nth <= $1 AND (nth = 1 OR weighed <= $2::bigint)
ORDER BY no
