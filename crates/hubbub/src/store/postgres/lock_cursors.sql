-- Locks the cursors on the logs of the rooms $1, in the order of the rooms, and reads them as they are then.
SELECT c.room AS cursor_room, c.portal AS cursor_reader, c.position AS cursor_position, c.head AS cursor_head,
       c.due_at AS cursor_due_at, c.leased AS cursor_leased, c.fence AS cursor_fence,
       c.waiting_since AS cursor_waiting_since, c.counted AS cursor_counted, c.since AS cursor_since,
       c.attempts AS cursor_attempts, c.blocked AS cursor_blocked, c.replays AS cursor_replays,
       c.calls AS cursor_calls,
       r.id AS room_id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
FROM hubbub.rooms r JOIN hubbub.cursors c ON c.room = r.no
WHERE r.id = ANY($1::text[])
ORDER BY c.room
FOR UPDATE OF c
