-- Rooms {from} to {to}: {members} members join, the first of them as its admin.
INSERT INTO hubbub.members (room, user_id, standing, since, joined, stands_since)
SELECT r.no, /* user r.no: s.n */, CASE s.n WHEN 0 THEN 'admin' ELSE 'member' END, s.n + 1, s.n + 1, s.n + 1
FROM hubbub.rooms r /* n below {members} */
WHERE r.no BETWEEN {from} AND {to};

INSERT INTO hubbub.entries (room, seq, id, kind, author, at, key, hash, subject, role, effects)
SELECT r.no, s.n + 1, /* id */, 'joined', 'hubbub:api', /* epoch */ + s.n, /* key */, /* hash */, /* user r.no: s.n */,
       CASE s.n WHEN 0 THEN 'admin' ELSE 'member' END,
       '{"admits":"' || /* user r.no: s.n */ || '","lists":["members"],"hint":{"user":"' || /* user r.no: s.n */ || '","type":"added"}}'
FROM hubbub.rooms r /* n below {members} */
WHERE r.no BETWEEN {from} AND {to};
