-- The entries on one side of the pivot: at most `limit`, as long as they weigh no more than `bytes`.
(
    SELECT * FROM (
        SELECT now.*, row_number() OVER (ORDER BY now.seq /* order */) AS nth,
               sum($8::bigint + coalesce(octet_length(now.text), 0) + coalesce(octet_length(now.data), 0)
                   + coalesce(octet_length(now.body), 0) + coalesce(now.weight, 0))
                   OVER (ORDER BY now.seq /* order */ ROWS UNBOUNDED PRECEDING) AS weighed
        FROM (
            SELECT * FROM (
                -- First what is quick to read: no entry weighs less than this, and of those behind a full page nothing else is
                -- looked up.
                SELECT counted.*, reacted.least AS reactions,
                       sum($8::bigint + counted.own + coalesce(reacted.least, 0))
                           OVER (ORDER BY counted.seq /* order */ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                FROM (
                    SELECT * FROM (
                        SELECT least.*, sum($8::bigint + least.own)
                                   OVER (ORDER BY least.seq /* order */ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS above
                        FROM (
                            SELECT entries.*,
                                   CASE WHEN entries.edit IS NOT NULL THEN 0 ELSE coalesce(octet_length(entries.text), 0)
                                       + coalesce(octet_length(entries.data), 0) + coalesce(octet_length(entries.body), 0)
                                   END AS own
                            FROM /* entries */
                            WHERE entries.room = room.no AND /* bound */ AND entries.seq >= room.floor AND /* those */
                            ORDER BY entries.seq /* order */ LIMIT /* limit */
                        ) least
                    ) least WHERE coalesce(above, 0) <= /* bytes */
                ) counted
                LEFT JOIN LATERAL (
                    SELECT sum(octet_length(c.reaction) + 12 + 5 * least(c.count, /* sample */)) AS least
                    FROM hubbub.reaction_counts c
                    WHERE c.room = counted.room AND c.target = counted.seq AND counted.kind = 'message'
                ) reacted ON true
            ) counted WHERE coalesce(before, 0) <= /* bytes */
        ) near
        CROSS JOIN LATERAL (/* now */) now
    ) part WHERE nth = 1 OR weighed <= /* bytes */
)
