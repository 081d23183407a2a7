-- Dead letters by number, at most $1, as long as they weigh no more than $2 (each $3 more than its content and attempts); one more
-- is looked at, to tell whether there are others. The conditions are put in for the comment.
SELECT weighty.*, nth < total AS more
FROM (
    SELECT part.*, row_number() OVER (ORDER BY part.letter_no) AS nth, count(*) OVER () AS total,
           sum($3::bigint + coalesce(octet_length(part.e_text), 0) + coalesce(octet_length(part.e_data), 0)
               + coalesce(octet_length(part.e_body), 0)
               + octet_length(part.letter_attempts) + coalesce(octet_length(part.letter_progress), 0)) OVER (ORDER BY part.letter_no) AS weighed
    FROM (
        SELECT p.id AS portal_id, r.id AS room_id, d.no AS letter_no, d.at AS letter_at, d.why AS letter_why,
               d.attempts AS letter_attempts, d.replaying AS letter_replaying, d.delivered_at AS letter_delivered_at,
               d.progress AS letter_progress,
               /* entry */
        FROM hubbub.dead_letters d
        JOIN hubbub.portals p ON p.no = d.portal
        JOIN hubbub.rooms r ON r.no = d.room
        JOIN hubbub.entries e ON e.room = d.room AND e.seq = d.seq
        WHERE /* which */
        ORDER BY d.no LIMIT $1::bigint + 1
    ) part
) weighty
WHERE nth <= $1 AND (nth = 1 OR weighed <= $2::bigint)
ORDER BY letter_no
