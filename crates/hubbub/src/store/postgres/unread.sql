-- What /* reader */ has not read of the room `r`, which they joined with the entry `r.joined_at`. What the room shows is looked at from its
-- newest entry down to the mark, or to where marks began (that of ''), and counts above their own newest message; nobody is named by
-- themselves, and of what names everybody so much is looked at, too. OFFSET keeps the
-- planner from reading the marks again for each use. As in people/unread.rs of the core.
SELECT mark.seq AS u_read, looked.looked AS u_looked, looked.found AS u_found, looked.own AS u_own,
    (SELECT count(*) FROM (
        SELECT 1 FROM hubbub.mentions n WHERE n.room = r.no AND n.user_id = /* reader */
            AND (n.user_id, n.seq) > (/* reader */, greatest(mark.seq, mark.begun, looked.own)) LIMIT /* rows */
    ) named) + everybody.meant AS u_mentions, everybody.looked AS u_of_all
FROM (
    SELECT coalesce((
        SELECT d.seq FROM hubbub.reads d WHERE d.room = r.no AND d.user_id = /* reader */ LIMIT 1
    ), 0) AS seq, greatest(r.joined_at, (
        SELECT d.seq FROM hubbub.reads d WHERE d.room = r.no AND d.user_id = '' LIMIT 1
    )) AS begun OFFSET 0
) mark
CROSS JOIN LATERAL (
    SELECT count(*) AS looked,
           count(*) FILTER (WHERE near.kind = 'message' AND near.author <> /* reader */ AND near.gone IS NOT TRUE) AS found,
           max(near.seq) FILTER (WHERE near.kind = 'message' AND near.author = /* reader */) AS own
    FROM (
        SELECT near.*, count(CASE WHEN near.kind = 'message' AND near.author = /* reader */ THEN 1 END)
                   OVER (ORDER BY near.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS owns
        FROM (
            SELECT seq, kind, author, gone FROM hubbub.entries
            WHERE entries.room = r.no AND entries.seq > greatest(mark.seq, mark.begun) AND /* shown */
            ORDER BY entries.seq DESC LIMIT /* rows */
        ) near
    ) near WHERE near.owns < 1
) looked
CROSS JOIN LATERAL (
    SELECT count(*) AS looked, count(*) FILTER (WHERE n.author <> /* reader */) AS meant
    FROM (
        SELECT n.author FROM hubbub.mentions n WHERE n.room = r.no AND n.user_id = ''
            AND (n.user_id, n.seq) > ('', greatest(mark.seq, mark.begun, looked.own))
        ORDER BY n.seq DESC LIMIT /* rows */
    ) n
) everybody
