-- An entry `near` as it is now: what it says by its newest edit, and what hangs on it. Every part is looked up by an index;
-- limits keep the planner from joining whole tables. `near.reactions` is NULL where it is known to have none.
SELECT near.seq, near.id, near.author, near.at, near.key, near.kind,
       CASE WHEN said.at IS NULL THEN near.text ELSE said.text END AS text,
       CASE WHEN said.at IS NULL THEN near.data ELSE said.data END AS data,
       near.target, near.subject, near.role,
       CASE WHEN said.at IS NULL THEN near.body ELSE said.body END AS body,
       near.effects, coalesce(near.gone, said.gone) AS gone, near.rank, near.thread, near.in_room,
       said.at AS edited_at,
       reacted.reactions,
       thread.replies,
       thread.last AS last_reply,
       thread.last_at AS last_reply_at,
       CASE WHEN thread.last IS NOT NULL THEN (
           SELECT json_agg(reply.author ORDER BY reply.seq DESC)::text
           FROM (
               SELECT r.author, r.seq FROM hubbub.entries r WHERE r.room = near.room AND r.thread = near.seq
               ORDER BY r.thread DESC, r.seq DESC LIMIT /* replies */
           ) reply
       ) END AS repliers,
       coalesce((
           SELECT true FROM hubbub.pins p WHERE p.room = near.room AND p.target = near.seq LIMIT 1
       ), false) AS pinned,
       octet_length(reacted.reactions) AS weight
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT s.at, s.text, s.data, s.body, s.gone FROM hubbub.entries s
    WHERE s.room = near.room AND s.seq = near.edit AND near.kind = 'message' LIMIT 1
) said ON true
LEFT JOIN LATERAL (
    SELECT t.replies, t.last, t.last_at FROM hubbub.threads t
    WHERE t.room = near.room AND t.root = near.seq AND near.kind = 'message' LIMIT 1
) thread ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(
               c.reaction, c.count, c.first,
               (SELECT 1 FROM hubbub.reactions m WHERE m.room = c.room AND m.target = c.target
                    AND m.reaction = c.reaction AND m.user_id = /* reader */ LIMIT 1),
               (SELECT json_agg(few.user_id) FROM (
                    SELECT u.user_id FROM hubbub.reactions u WHERE u.room = c.room AND u.target = c.target
                        AND u.reaction = c.reaction ORDER BY u.reaction, u.user_id LIMIT /* sample */
               ) few)
           ))::text AS reactions
    FROM hubbub.reaction_counts c WHERE near.reactions IS NOT NULL AND c.room = near.room AND c.target = near.seq
) reacted ON true
