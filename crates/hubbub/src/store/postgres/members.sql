-- The members of $1 after $2, or with $5 who is banned: at most $3, as long as what is known of them weighs no more than $4. One
-- more is looked at, to tell whether there are others.
SELECT user_id, standing, rank, since, joined, muted_until, info, nth < total AS more
FROM (
    SELECT m.user_id, m.standing, m.rank, m.since, coalesce(m.joined, m.since) AS joined, s.muted_until, u.info,
           row_number() OVER (ORDER BY m.user_id) AS nth,
           count(*) OVER () AS total,
           sum(coalesce(octet_length(u.info), 0)) OVER (ORDER BY m.user_id) AS weighed
    FROM (
        SELECT * FROM hubbub.members
        WHERE members.room = (SELECT no FROM hubbub.rooms WHERE id = $1::text) AND (members.standing = 'banned') = $5::bool
            AND members.user_id > $2::text
        ORDER BY members.user_id LIMIT $3::bigint + 1
    ) m
    LEFT JOIN hubbub.users u ON u.id = m.user_id
    LEFT JOIN hubbub.speakers s ON s.room = m.room AND s.user_id = m.user_id
        AND s.muted_until > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
) part
WHERE nth <= $3::bigint AND (nth = 1 OR weighed <= $4::bigint)
ORDER BY user_id
