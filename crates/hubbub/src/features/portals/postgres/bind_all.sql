-- Has events leave quarantine whose session has become known without this being noticed: an instance of the program before taught
-- the id. Where two sessions have the id, an operator decides.
UPDATE hubbub.quarantine SET room = found.room
FROM (
    SELECT q.no, coalesce(min(named.room), CASE WHEN count(DISTINCT had.room) = 1 THEN min(had.room) END) AS room
    FROM hubbub.quarantine q
    LEFT JOIN hubbub.sessions named ON named.id = q.session AND named.portal = q.portal
    LEFT JOIN LATERAL (
        SELECT x.room FROM hubbub.session_externals x WHERE x.portal = q.portal AND x.external = q.external
        UNION
        SELECT l.room FROM hubbub.sessions l WHERE l.portal = q.portal AND l.external = q.external
    ) had ON true
    WHERE q.awaits AND q.room IS NULL AND (named.room IS NOT NULL OR had.room IS NOT NULL)
    GROUP BY q.no
) found
WHERE quarantine.no = found.no AND quarantine.awaits AND quarantine.room IS NULL AND found.room IS NOT NULL
