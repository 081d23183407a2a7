-- Marks of members go forward, as far as the room's head. No (room, user) twice. Rows are written in one order by all, and no room is locked. What is selected
-- is of the snapshot before: where each mark was.
WITH asked AS MATERIALIZED (
    SELECT a.ord, r.no, r.head, r.generation, a.user_id, a.seq
    FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS a (room, user_id, seq, ord)
    CROSS JOIN LATERAL (SELECT no, head, generation FROM hubbub.rooms WHERE rooms.id = a.room LIMIT 1) r
    CROSS JOIN LATERAL (
        SELECT 1 FROM hubbub.members m WHERE m.room = r.no AND m.user_id = a.user_id AND m.standing <> 'banned' LIMIT 1
    ) is_member
), moved AS (
    INSERT INTO hubbub.reads AS d (room, user_id, seq, at)
    SELECT no, user_id, seq, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM asked WHERE seq > 0 AND seq <= head
    ORDER BY no, user_id
    ON CONFLICT (room, user_id) DO UPDATE SET seq = greatest(d.seq, excluded.seq), at = excluded.at
        WHERE d.seq < excluded.seq
    RETURNING room, user_id
), ended AS (
    -- Where unread began elsewhere.
    UPDATE hubbub.preferences p SET unread_from = NULL FROM asked a
    WHERE p.room = a.no AND p.user_id = a.user_id AND p.unread_from IS NOT NULL AND p.unread_from <= a.seq AND a.seq <= a.head
), few AS MATERIALIZED (
    SELECT a.no, (SELECT count(*) FROM (
        SELECT 1 FROM hubbub.members m WHERE m.room = a.no AND m.standing <> 'banned' LIMIT $4::bigint + 1
    ) m) <= $4::bigint AS is_few
    FROM (SELECT DISTINCT no FROM asked) a
)
SELECT a.ord, coalesce(d.seq, 0) AS before, moved.room IS NOT NULL AS has_moved, few.is_few, a.head, a.generation,
    (SELECT incarnation FROM hubbub.meta) AS incarnation, '' AS kind
FROM asked a
JOIN few ON few.no = a.no
LEFT JOIN LATERAL (
    SELECT seq FROM hubbub.reads WHERE reads.room = a.no AND reads.user_id = a.user_id LIMIT 1
) d ON true
LEFT JOIN moved ON moved.room = a.no AND moved.user_id = a.user_id
