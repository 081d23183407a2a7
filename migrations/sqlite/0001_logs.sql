-- The logs, and who may read them. Texts compare byte by byte (BINARY), as ids do everywhere else.

CREATE TABLE meta (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    database    TEXT    NOT NULL,
    hash_key    BLOB    NOT NULL,
    incarnation INTEGER NOT NULL
) STRICT;

CREATE TABLE rooms (
    no           INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    head         INTEGER NOT NULL DEFAULT 0,
    floor        INTEGER NOT NULL DEFAULT 1,
    generation   INTEGER NOT NULL DEFAULT 1,
    last_message INTEGER NOT NULL DEFAULT 0, -- the seq of the newest message, for lists of rooms
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    room     INTEGER NOT NULL,
    user_id  TEXT    NOT NULL,
    standing TEXT    NOT NULL CHECK (standing IN ('member', 'admin', 'banned')),
    since    INTEGER NOT NULL,
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id);

-- Clustered by room and seq: a page is one range of the tree.
CREATE TABLE entries (
    room    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    kind    TEXT    NOT NULL,
    author  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    hash    BLOB,             -- NULL once erased: any body fits the key
    text    TEXT,
    data    TEXT,
    target  INTEGER,          -- reply_to
    subject TEXT,             -- the user it is about, or the new name
    role    TEXT,
    PRIMARY KEY (room, seq),
    UNIQUE (room, author, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id         TEXT    PRIMARY KEY,
    info       TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
