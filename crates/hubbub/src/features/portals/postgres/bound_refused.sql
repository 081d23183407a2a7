-- Of these portals ($1) the oldest refused webhooks give way, until there are no more than $2 of each, which weigh no more than $3
-- together, $4 each beside their content.
WITH ranked AS (
    SELECT r.no, row_number() OVER newest AS nth, sum(r.bytes + $4::bigint) OVER newest AS weighed
    FROM hubbub.refused_hooks r
    WHERE r.portal IN (SELECT no FROM hubbub.portals WHERE id = ANY($1::text[]))
    WINDOW newest AS (PARTITION BY r.portal ORDER BY r.at DESC, r.no DESC)
), gone AS (
    DELETE FROM hubbub.refused_hooks d USING ranked
    WHERE d.no = ranked.no AND (ranked.nth > $2::bigint OR ranked.weighed > $3::bigint)
    RETURNING d.portal
)
SELECT p.id, count(*) AS hooks FROM gone JOIN hubbub.portals p ON p.no = gone.portal GROUP BY p.id
