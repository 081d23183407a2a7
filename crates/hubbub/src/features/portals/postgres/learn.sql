-- The session $1 is called $2 by its portal. $3: this goes out from now on. $4: also where another session has the id.
INSERT INTO hubbub.session_externals (portal, external, room, since)
SELECT s.portal, $2::text, s.room, CASE WHEN $3::boolean THEN greatest(
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        1 + coalesce((SELECT max(x.since) FROM hubbub.session_externals x WHERE x.room = s.room), 0)) ELSE 0 END
FROM hubbub.sessions s
WHERE s.id = $1::text AND ($4::boolean OR NOT (
    EXISTS (SELECT FROM hubbub.session_externals o WHERE o.portal = s.portal AND o.external = $2 AND o.room <> s.room)
    OR EXISTS (SELECT FROM hubbub.sessions o WHERE o.portal = s.portal AND o.external = $2 AND o.room <> s.room)))
ON CONFLICT (portal, external, room) DO UPDATE SET since = greatest(session_externals.since, excluded.since)
