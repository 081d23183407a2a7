-- People in rooms: how far each has read, and who is mentioned where.

CREATE TABLE reads (
    room    INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    seq     INTEGER NOT NULL, -- goes forward only
    at      INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

-- Nobody could say before now what they had read: nothing that is there counts as unread. As '', who is nobody's id; rooms that are
-- made later have none.
INSERT INTO reads (room, user_id, seq, at)
SELECT no, '', head, CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM rooms WHERE kind <> 'deleted';

-- Which messages mention whom, as they are now: an index over entries that the database keeps by itself, whichever version of the
-- program writes. None of who mentions themselves; nothing of messages that are gone.
CREATE TABLE mentions (
    room    INTEGER NOT NULL,
    user_id TEXT NOT NULL, -- '': everybody
    seq     INTEGER NOT NULL, -- the message
    author  TEXT NOT NULL,
    PRIMARY KEY (room, user_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX mentions_by_message ON mentions (room, seq);

-- A message that mentions nobody has no body: nothing is done for it.
CREATE TRIGGER entries_keep_mentions AFTER INSERT ON entries WHEN NEW.body IS NOT NULL AND NEW.kind = 'message'
BEGIN
    INSERT INTO mentions (room, user_id, seq, author)
    SELECT NEW.room, '', NEW.seq, NEW.author WHERE coalesce(json_extract(NEW.body, '$.mention_all'), 0)
    UNION
    SELECT NEW.room, value, NEW.seq, NEW.author FROM json_each(NEW.body, '$.mentions')
    WHERE NOT coalesce(json_extract(NEW.body, '$.mention_all'), 0) AND value <> NEW.author;
END;

CREATE TRIGGER entries_keep_mentions_now AFTER INSERT ON entries WHEN NEW.kind = 'edited'
BEGIN
    DELETE FROM mentions WHERE room = NEW.room AND seq = NEW.target;
    -- Others than the author may edit it, too.
    INSERT INTO mentions (room, user_id, seq, author)
    SELECT e.room, '', e.seq, e.author FROM entries e
    WHERE NEW.body IS NOT NULL AND e.room = NEW.room AND e.seq = NEW.target AND coalesce(json_extract(NEW.body, '$.mention_all'), 0)
    UNION
    SELECT e.room, value, e.seq, e.author FROM entries e, json_each(NEW.body, '$.mentions')
    WHERE NEW.body IS NOT NULL AND e.room = NEW.room AND e.seq = NEW.target AND value <> e.author
        AND NOT coalesce(json_extract(NEW.body, '$.mention_all'), 0);
END;

CREATE TRIGGER entries_forget_mentions AFTER UPDATE OF gone ON entries WHEN NEW.gone AND NEW.kind = 'message'
BEGIN
    DELETE FROM mentions WHERE room = NEW.room AND seq = NEW.seq;
END;

-- What is there already.
INSERT INTO mentions (room, user_id, seq, author)
WITH said AS (
    SELECT e.room, e.seq, e.author, CASE WHEN e.edit IS NULL THEN e.body ELSE s.body END AS body
    FROM entries e LEFT JOIN entries s ON s.room = e.room AND s.seq = e.edit
    WHERE e.kind = 'message' AND e.gone IS NULL AND (e.body IS NOT NULL OR e.edit IS NOT NULL)
)
SELECT room, '', seq, author FROM said WHERE coalesce(json_extract(body, '$.mention_all'), 0)
UNION
SELECT room, value, seq, author FROM said, json_each(said.body, '$.mentions')
WHERE NOT coalesce(json_extract(body, '$.mention_all'), 0) AND value <> author;
