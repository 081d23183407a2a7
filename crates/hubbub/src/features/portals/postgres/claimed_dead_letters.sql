-- The next dead letter to be sent again in each of the rooms $1.
SELECT asked.ord, d.no AS letter_no, d.at AS letter_at, d.why AS letter_why, d.attempts AS letter_attempts,
       d.replaying AS letter_replaying, d.delivered_at AS letter_delivered_at,
       d.progress AS letter_progress,
       /* entry */
FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (room, ord)
CROSS JOIN LATERAL (
    SELECT * FROM hubbub.dead_letters
    WHERE dead_letters.room = asked.room AND dead_letters.replaying ORDER BY dead_letters.no LIMIT 1
) d
JOIN hubbub.entries e ON e.room = d.room AND e.seq = d.seq
ORDER BY asked.ord
