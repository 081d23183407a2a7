-- People in rooms: how far each has read, and who is mentioned where.

CREATE TABLE hubbub.reads (
    room    bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    seq     bigint NOT NULL, -- goes forward only
    at      bigint NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (room, user_id)
) WITH (fillfactor = 70);

-- Nobody could say before now what they had read: nothing that is there counts as unread. As '', who is nobody's id; rooms that are
-- made later have none.
INSERT INTO hubbub.reads (room, user_id, seq, at)
SELECT no, '', head, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM hubbub.rooms WHERE kind <> 'deleted';

-- Which messages mention whom, as they are now: an index over entries that the database keeps by itself, whichever version of the
-- program writes. None of who mentions themselves; nothing of messages that are gone.
CREATE TABLE hubbub.mentions (
    room    bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL, -- '': everybody
    seq     bigint NOT NULL, -- the message
    author  text COLLATE "C" NOT NULL,
    PRIMARY KEY (room, user_id, seq)
);

CREATE INDEX mentions_by_message ON hubbub.mentions (room, seq);

-- Whom a body mentions, of a message by this author.
CREATE FUNCTION hubbub.mentioned(body text, author text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT '' WHERE coalesce((body::json ->> 'mention_all')::boolean, false)
    UNION ALL
    SELECT DISTINCT named FROM json_array_elements_text(body::json -> 'mentions') named
    WHERE NOT coalesce((body::json ->> 'mention_all')::boolean, false) AND named <> author
$$;

CREATE FUNCTION hubbub.keep_mentions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said bigint := NEW.seq;
    written_by text := NEW.author;
BEGIN
    IF NEW.kind = 'edited' THEN
        said := NEW.target;
        DELETE FROM hubbub.mentions m WHERE m.room = NEW.room AND m.seq = said;
        IF NEW.body IS NOT NULL THEN
            -- Others may edit it, too.
            SELECT e.author INTO written_by FROM hubbub.entries e WHERE e.room = NEW.room AND e.seq = said;
        END IF;
    END IF;
    IF NEW.body IS NOT NULL AND written_by IS NOT NULL THEN
        INSERT INTO hubbub.mentions (room, user_id, seq, author)
        SELECT NEW.room, named, said, written_by FROM hubbub.mentioned(NEW.body, written_by) named
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION hubbub.forget_mentions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hubbub.mentions m WHERE m.room = NEW.room AND m.seq = NEW.seq;
    RETURN NULL;
END $$;

-- A message that mentions nobody has no body: nothing is called for it.
CREATE TRIGGER entries_keep_mentions AFTER INSERT ON hubbub.entries FOR EACH ROW
    WHEN (NEW.kind = 'edited' OR (NEW.body IS NOT NULL AND NEW.kind = 'message'))
    EXECUTE FUNCTION hubbub.keep_mentions();

CREATE TRIGGER entries_forget_mentions AFTER UPDATE OF gone ON hubbub.entries FOR EACH ROW
    WHEN (NEW.gone AND NEW.kind = 'message')
    EXECUTE FUNCTION hubbub.forget_mentions();

-- What is there already. Nobody writes meanwhile: making a trigger has locked the table against that. The sessions of this program
-- do without sequential scans; one of the whole table is right here, and going through it by an index would take far longer.
SET LOCAL enable_seqscan = on;

INSERT INTO hubbub.mentions (room, user_id, seq, author)
SELECT e.room, named, e.seq, e.author
FROM hubbub.entries e
CROSS JOIN LATERAL hubbub.mentioned(
    CASE WHEN e.edit IS NULL THEN e.body
         ELSE (SELECT s.body FROM hubbub.entries s WHERE s.room = e.room AND s.seq = e.edit) END,
    e.author
) named
WHERE e.kind = 'message' AND e.gone IS NOT TRUE AND (e.body IS NOT NULL OR e.edit IS NOT NULL)
ON CONFLICT DO NOTHING;

SET LOCAL enable_seqscan = off;
