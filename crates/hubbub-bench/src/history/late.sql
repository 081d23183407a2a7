-- The room {from}: behind its {members} members as many messages from each of them as make {messages}, and then for each message in
-- turn, {rounds} times over: an edit, and a reaction by the next member.
INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text, edit, edits)
SELECT r.no, {members} + 1 + s.n, /* id */, 'message', /* user r.no: s.n % {members} */, /* epoch */ + {members} + 1 + s.n, /* key */,
       /* hash */, /* text */, {members} + {messages} + 1 + 2 * (({rounds} - 1) * {messages} + s.n), {rounds}
FROM hubbub.rooms r /* n below {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text, target, body, edit)
SELECT r.no, {members} + {messages} + 1 + s.n, /* id */, CASE s.n % 2 WHEN 0 THEN 'edited' ELSE 'reacted' END,
       CASE s.n % 2 WHEN 0 THEN /* user r.no: s.n / 2 % {messages} % {members} */
           ELSE /* user r.no: s.n / 2 / {messages} */ END,
       /* epoch */ + s.n, /* key */, /* hash */,
       CASE s.n % 2 WHEN 0 THEN 'now ' || /* text */ END, {members} + 1 + s.n / 2 % {messages},
       CASE s.n % 2 WHEN 1 THEN '{"reaction":"+1"}' END,
       CASE WHEN s.n % 2 = 0 AND s.n >= 2 * {messages} THEN {members} + {messages} + 1 + s.n - 2 * {messages} END
FROM hubbub.rooms r /* n below 2 * {rounds} * {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.reactions (room, target, reaction, user_id, seq)
SELECT r.no, {members} + 1 + s.n % {messages}, '+1', /* user r.no: s.n / {messages} */, {members} + {messages} + 2 + 2 * s.n
FROM hubbub.rooms r /* n below {rounds} * {messages} */
WHERE r.no = {from};

INSERT INTO hubbub.reaction_counts (room, target, reaction, count, first)
SELECT r.no, {members} + 1 + s.n, '+1', {rounds}, {members} + {messages} + 2 + 2 * s.n
FROM hubbub.rooms r /* n below {messages} */
WHERE r.no = {from};

UPDATE hubbub.rooms SET head = {members} + {messages} + 2 * {rounds} * {messages}, last_message = {members} + {messages}
WHERE no = {from};
