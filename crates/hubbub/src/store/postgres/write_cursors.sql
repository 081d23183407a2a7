-- Writes cursors back. What waits longest is the entry after the position.
UPDATE hubbub.cursors c SET
    position = n.position, due_at = n.due_at, leased = n.leased, counted = n.counted, since = n.since,
    attempts = n.attempts, blocked = n.blocked, replays = n.replays, calls = n.calls,
    waiting_since = CASE WHEN n.position < c.head THEN coalesce(
        (SELECT at FROM hubbub.entries e WHERE e.room = c.room AND e.seq = n.position + 1), c.waiting_since) END
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[], $5::integer[], $6::bigint[], $7::text[], $8::boolean[],
    $9::integer[], $10::text[]) AS n (room, position, due_at, leased, counted, since, attempts, blocked, replays, calls)
WHERE c.room = n.room
