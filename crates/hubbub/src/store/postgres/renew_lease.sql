-- Renews the lease $1 for $3 milliseconds, removes those that have expired, and lists those that live.
-- Locked rows are passed over: two instances that renew at once never wait for each other.
WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
expired AS (
    DELETE FROM hubbub.instances WHERE boot IN (
        SELECT boot FROM hubbub.instances
        WHERE expires_at <= (SELECT now FROM clock) AND boot <> $1
        FOR UPDATE SKIP LOCKED)
),
mine AS (
    INSERT INTO hubbub.instances (boot, bus, expires_at, knows)
    VALUES ($1, $2::boolean, (SELECT now FROM clock) + $3::bigint, $4::text)
    ON CONFLICT (boot) DO UPDATE SET bus = excluded.bus, expires_at = excluded.expires_at, knows = excluded.knows
    RETURNING boot, bus, knows
)
SELECT boot, bus, knows FROM mine
UNION ALL
SELECT boot, bus, knows FROM hubbub.instances WHERE boot <> $1 AND expires_at > (SELECT now FROM clock)
ORDER BY boot
