-- The old chat as lines for `hubbub import`: psql -X -At -f import.sql -o chat.ndjson
-- Everybody who wrote becomes a member with their first message; who else is in a team comes into its room when rooms follow
-- teams. The key of a message is the one that the bridge sends it under, so what is imported and sent is there once.
WITH entries AS (
    SELECT team, author, min(created_at) AS moment, 0 AS kind, NULL::bigint AS id, NULL::text AS body
    FROM messages GROUP BY team, author
    UNION ALL
    SELECT team, author, created_at, 1, id, body FROM messages
),
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY team ORDER BY moment, kind, id, author) AS seq,
        to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at_text
    FROM entries
)
SELECT line FROM (
    SELECT team, 0 AS seq, json_build_object('type', 'room', 'room', team, 'kind', 'private', 'name', name)::text AS line
    FROM (SELECT DISTINCT team FROM numbered) used JOIN teams ON teams.id = used.team
    UNION ALL
    SELECT team, seq,
        -- From the backend: a private room whose first member came by themselves would be that member's.
        CASE kind WHEN 0 THEN json_build_object('type', 'joined', 'room', team, 'from', 'hubbub:api', 'user', author, 'at', at_text)
        ELSE json_build_object('type', 'message', 'room', team, 'from', author, 'at', at_text,
            'key', 'message.' || id, 'text', body) END::text
    FROM numbered
) lines
ORDER BY team, seq;
