-- The room {from}: behind its {members} members {messages} messages, and then 50 reactions to each, each by twelve.
INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text)
SELECT r.no, {members} + 1 + s.n, /* id */, 'message', /* user r.no: s.n % {members} */, /* epoch */ + {members} + 1 + s.n, /* key */,
       /* hash */, /* text */
FROM hubbub.rooms r /* n below {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, target, body)
SELECT r.no, {members} + {messages} + 1 + s.n, /* id */, 'reacted', /* user r.no: s.n % 12 */, /* epoch */ + s.n, /* key */, /* hash */,
       {members} + 1 + s.n / 600, '{"reaction":"word-' || (s.n / 12 % 50) || '"}'
FROM hubbub.rooms r /* n below 600 * {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.reactions (room, target, reaction, user_id, seq)
SELECT r.no, {members} + 1 + s.n / 600, 'word-' || (s.n / 12 % 50), /* user r.no: s.n % 12 */, {members} + {messages} + 1 + s.n
FROM hubbub.rooms r /* n below 600 * {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.reaction_counts (room, target, reaction, count, first)
SELECT r.no, {members} + 1 + s.n / 50, 'word-' || (s.n % 50), 12, {members} + {messages} + 1 + s.n * 12
FROM hubbub.rooms r /* n below 50 * {messages} */
WHERE r.no = {from};

UPDATE hubbub.rooms SET head = {members} + 601 * {messages}, last_message = {members} + {messages} WHERE no = {from};
