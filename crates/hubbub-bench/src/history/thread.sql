-- The room {from}: behind its {members} members a message, and {replies} replies in its thread.
INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, text, thread)
SELECT r.no, {members} + 1 + s.n, /* id */, 'message', /* user r.no: s.n % {members} */, /* epoch */ + {members} + 1 + s.n, /* key */,
       /* hash */, /* text */, CASE WHEN s.n > 0 THEN {members} + 1 END
FROM hubbub.rooms r /* n below {replies} + 1 */
WHERE r.no = {from};

INSERT INTO hubbub.threads (room, root, replies, last, last_at)
VALUES ({from}, {members} + 1, {replies}, {members} + 1 + {replies}, /* epoch */ + {members} + 1 + {replies});

UPDATE hubbub.rooms SET head = {members} + 1 + {replies}, last_message = {members} + 1 WHERE no = {from};
