-- What the product's own reports may count on: names and meanings of these columns stay. Columns may be added at the end.
-- Read-only. Made again where what is there is older than `made_by` in crates/hubbub/src/store/postgres/views.rs says.

CREATE OR REPLACE VIEW hubbub.room_messages AS
SELECT r.id AS room,
       e.seq,
       e.id,
       e.author,
       to_timestamp(e.at / 1000.0) AS at,
       -- What it says now; nothing where it was deleted. Data is JSON as the client wrote it, as text: jsonb refuses some of what
       -- JSON may hold.
       CASE WHEN s.seq IS NULL THEN e.text ELSE s.text END AS text,
       CASE WHEN s.seq IS NULL THEN e.data ELSE s.data END AS data,
       e.target AS reply_to,
       e.thread,         -- the root of the thread it is in
       coalesce(e.in_room, false) AS in_room,
       coalesce(e.gone, s.gone, false) AS gone,
       CASE WHEN e.gone THEN NULL ELSE to_timestamp(s.at / 1000.0) END AS edited_at
FROM hubbub.entries e JOIN hubbub.rooms r ON r.no = e.room
LEFT JOIN hubbub.entries s ON s.room = e.room AND s.seq = e.edit
WHERE e.kind = 'message';

CREATE OR REPLACE VIEW hubbub.room_members AS
SELECT r.id AS room,
       m.user_id,
       coalesce(m.rank, m.standing) AS role, -- reader, member, moderator or admin; those who are banned are no members
       m.since AS since_seq,
       coalesce(m.joined, m.since) AS joined_seq -- a change of role leaves it
FROM hubbub.members m JOIN hubbub.rooms r ON r.no = m.room
WHERE m.standing <> 'banned';

CREATE OR REPLACE VIEW hubbub.rooms_overview AS
SELECT r.id AS room,
       r.kind,
       r.name,
       r.head,             -- entries there are, of all kinds
       r.floor,
       (SELECT count(*) FROM hubbub.members m WHERE m.room = r.no AND m.standing <> 'banned') AS members,
       to_timestamp(r.created_at / 1000.0) AS created_at,
       nullif(r.last_message, 0) AS last_message,
       (SELECT to_timestamp(e.at / 1000.0) FROM hubbub.entries e WHERE e.room = r.no AND e.seq = r.last_message)
           AS last_message_at
FROM hubbub.rooms r
WHERE r.kind <> 'deleted'
OFFSET 0 -- or Postgres would take it for a view that may be written to
