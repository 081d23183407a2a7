-- Keeps refused webhooks, in the order in which they came, of portals that were not deleted. One that is kept already is counted,
-- and is as it came last.
INSERT INTO hubbub.refused_hooks AS r (portal, name, at, last_at, times, status, code, why, headers, bytes, body)
SELECT p.no, k.name, k.at, k.last_at, k.times, k.status, k.code, k.why, k.headers, k.bytes, k.body
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::text[], $9::text[],
            $10::bigint[], $11::bytea[])
     AS k (portal, name, at, last_at, times, status, code, why, headers, bytes, body)
JOIN hubbub.portals p ON p.id = k.portal AND p.deleted_at IS NULL
ORDER BY k.at
ON CONFLICT (portal, name) DO UPDATE SET at = least(r.at, excluded.at), last_at = greatest(r.last_at, excluded.last_at),
    times = r.times + excluded.times, status = excluded.status, code = excluded.code, why = excluded.why,
    headers = excluded.headers, bytes = excluded.bytes, body = excluded.body
