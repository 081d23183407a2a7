-- What follows the positions $2 in the rooms $1: at most $3 entries of each, as long as they weigh no more than $4 (each $5 more
-- than its content).
SELECT asked.ord, /* entry */
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS asked (room, position, ord)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT near.*, row_number() OVER (ORDER BY near.seq) AS nth,
               sum($5::bigint + coalesce(octet_length(near.text), 0) + coalesce(octet_length(near.data), 0)
                   + coalesce(octet_length(near.body), 0))
                   OVER (ORDER BY near.seq) AS weighed
        FROM (
            SELECT * FROM hubbub.entries
            WHERE entries.room = asked.room AND entries.seq > asked.position
            ORDER BY entries.seq LIMIT $3::bigint
        ) near
    ) part WHERE nth = 1 OR weighed <= $4::bigint
) e
ORDER BY asked.ord, e.seq
