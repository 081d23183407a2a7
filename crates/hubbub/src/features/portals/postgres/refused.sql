-- Refused webhooks of the portal $4 by number after $5, at most $1, without bodies, as long as they weigh no more than $2 (each $3
-- more than its content); one more is looked at, to tell whether there are others.
SELECT no, portal_id, at, last_at, times, status, code, why, headers, bytes, nth < total AS more
FROM (
    SELECT part.*, row_number() OVER (ORDER BY part.no) AS nth, count(*) OVER () AS total,
           sum($3::bigint + octet_length(part.why) + octet_length(part.headers)) OVER (ORDER BY part.no) AS weighed
    FROM (
        SELECT r.no, p.id AS portal_id, r.at, r.last_at, r.times, r.status, r.code, r.why, r.headers, r.bytes
        FROM hubbub.portals p JOIN hubbub.refused_hooks r ON r.portal = p.no
        WHERE p.id = $4::text AND r.no > $5::bigint
        ORDER BY r.no LIMIT $1::bigint + 1
    ) part
) weighty
WHERE nth <= $1 AND (nth = 1 OR weighed <= $2::bigint)
ORDER BY no
