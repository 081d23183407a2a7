-- Rooms {from} to {to}: behind their {members} members {blocks} blocks of ten entries. A block: seven messages, the last two of
-- them replies in a thread with the first, the last of these also in the room; two reactions to the second; an edit of the third,
-- or each {pin}th time a pin of the fourth.
INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text, target, body, effects, thread, in_room, edit, edits)
SELECT e.no, e.base + e.j, /* id */, e.kind,
       CASE WHEN e.kind = 'pinned' THEN /* user e.no: 0 */ WHEN e.kind = 'edited' THEN /* user e.no: (e.b * 7 + 2) % {members} */
           ELSE /* user e.no: (e.b * 7 + e.j) % {members} */ END,
       /* epoch */ + e.base + e.j, /* key */, /* hash */,
       CASE WHEN e.kind IN ('message', 'edited') THEN /* text */ END,
       CASE e.j WHEN 7 THEN e.base + 1 WHEN 8 THEN e.base + 1 WHEN 9 THEN e.base + CASE e.kind WHEN 'edited' THEN 2 ELSE 3 END END,
       CASE WHEN e.kind = 'reacted' THEN '{"reaction":"+1"}' END,
       CASE WHEN e.kind = 'pinned' THEN '{"lists":["pins"]}' END,
       CASE WHEN e.j IN (5, 6) THEN e.base END,
       CASE WHEN e.j = 6 THEN true END,
       CASE WHEN e.j = 2 AND e.b % {pin} <> 0 THEN e.base + 9 END,
       CASE WHEN e.j = 2 AND e.b % {pin} <> 0 THEN 1 END
FROM (
    SELECT r.no, s.n, s.n % 10 AS j, s.n / 10 AS b, {members} + 1 + s.n / 10 * 10 AS base,
           CASE WHEN s.n % 10 < 7 THEN 'message' WHEN s.n % 10 < 9 THEN 'reacted' WHEN s.n / 10 % {pin} = 0 THEN 'pinned'
               ELSE 'edited' END AS kind
    FROM hubbub.rooms r /* n below 10 * {blocks} */
    WHERE r.no BETWEEN {from} AND {to}
) e;

INSERT INTO hubbub.threads (room, root, replies, last, last_at)
SELECT r.no, {members} + 1 + s.n * 10, 2, {members} + 7 + s.n * 10, /* epoch */ + {members} + 7 + s.n * 10
FROM hubbub.rooms r /* n below {blocks} */
WHERE r.no BETWEEN {from} AND {to};

INSERT INTO hubbub.reactions (room, target, reaction, user_id, seq)
SELECT r.no, {members} + 2 + s.n / 2 * 10, '+1', /* user r.no: (s.n / 2 * 7 + 7 + s.n % 2) % {members} */, {members} + 8 + s.n / 2 * 10 + s.n % 2
FROM hubbub.rooms r /* n below 2 * {blocks} */
WHERE r.no BETWEEN {from} AND {to};

INSERT INTO hubbub.reaction_counts (room, target, reaction, count, first)
SELECT r.no, {members} + 2 + s.n * 10, '+1', 2, {members} + 8 + s.n * 10
FROM hubbub.rooms r /* n below {blocks} */
WHERE r.no BETWEEN {from} AND {to};

INSERT INTO hubbub.pins (room, target, seq)
SELECT r.no, {members} + 4 + s.n * 10, {members} + 10 + s.n * 10
FROM hubbub.rooms r /* n below {blocks} */
WHERE r.no BETWEEN {from} AND {to} AND s.n % {pin} = 0;

UPDATE hubbub.rooms SET head = {members} + 10 * {blocks}, last_message = {members} + 10 * {blocks} - 3
WHERE no BETWEEN {from} AND {to};
