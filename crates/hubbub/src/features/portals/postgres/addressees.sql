-- For each message of a portal ($1) the session it is for: that of the id $2 if it is the portal's, else the one that has the
-- portal's own id $3.
SELECT p.no AS portal_no, s.id AS session_id, s.room, s.external
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (portal, session, external, ord)
LEFT JOIN hubbub.portals p ON p.id = asked.portal
LEFT JOIN LATERAL (
    SELECT named.room FROM hubbub.sessions named WHERE named.id = asked.session AND named.portal = p.no LIMIT 1
) by_id ON true
LEFT JOIN LATERAL (
    SELECT known.room FROM hubbub.sessions known
    WHERE by_id.room IS NULL AND known.portal = p.no AND known.external = asked.external LIMIT 1
) by_external ON true
LEFT JOIN LATERAL (
    SELECT sessions.* FROM hubbub.sessions WHERE sessions.room = coalesce(by_id.room, by_external.room) LIMIT 1
) s ON true
ORDER BY asked.ord
