-- The room {from}: behind its {members} members a message to which each of them reacts: every other with `+1`, the others with one
-- of 49 words.
INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text)
SELECT {from}, {members} + 1, /* id */, 'message', /* user {from}: 0 */, /* epoch */ + {members} + 1, /* key */, /* hash */, 'vote, all of you';

INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, target, body)
SELECT r.no, {members} + 2 + s.n, /* id */, 'reacted', /* user r.no: s.n */, /* epoch */ + {members} + 2 + s.n, /* key */, /* hash */,
       {members} + 1, '{"reaction":"' || CASE WHEN s.n % 2 = 0 THEN '+1' ELSE 'word-' || (s.n / 2 % 49) END || '"}'
FROM hubbub.rooms r /* n below {members} */
WHERE r.no = {from};

INSERT INTO hubbub.reactions (room, target, reaction, user_id, seq)
SELECT r.no, {members} + 1, CASE WHEN s.n % 2 = 0 THEN '+1' ELSE 'word-' || (s.n / 2 % 49) END, /* user r.no: s.n */, {members} + 2 + s.n
FROM hubbub.rooms r /* n below {members} */
WHERE r.no = {from};

INSERT INTO hubbub.reaction_counts (room, target, reaction, count, first)
SELECT room, target, reaction, count(*), min(seq) FROM hubbub.reactions WHERE room = {from} GROUP BY room, target, reaction;

UPDATE hubbub.rooms SET head = 2 * {members} + 1, last_message = {members} + 1 WHERE no = {from};
