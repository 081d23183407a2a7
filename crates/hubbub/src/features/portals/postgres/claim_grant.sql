-- The right to renew a portal's tokens: $1 the portal, $2 the generation that they are of, $3 how long the right lasts.
INSERT INTO hubbub.portal_grants AS g (portal, fence, leased_until)
SELECT no, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3::bigint FROM hubbub.portals WHERE id = $1
ON CONFLICT (portal) DO UPDATE SET fence = g.fence + 1, leased_until = excluded.leased_until
    WHERE g.generation = $2::bigint AND g.refused IS NULL
        AND (g.leased_until IS NULL OR g.leased_until <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
RETURNING fence
