-- Locks the cursors of the sessions $1, in the order of their rooms, and reads them as they are then.
SELECT c.room, c.portal, c.position, c.head, c.due_at, c.leased, c.fence, c.waiting_since,
       c.counted, c.since, c.attempts, c.blocked, c.replays, r.id,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM hubbub.rooms r JOIN hubbub.cursors c ON c.room = r.no
WHERE r.id = ANY($1::text[])
ORDER BY c.room
FOR UPDATE OF c
