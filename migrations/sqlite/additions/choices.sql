-- What people decide for themselves, and what they report. Times are milliseconds since 1970.

-- A row where anything is other than usual.
CREATE TABLE preferences (
    room    INTEGER NOT NULL,
    user_id TEXT    NOT NULL,
    notify  TEXT    NOT NULL, -- all, mentions, nothing
    pinned  INTEGER NOT NULL,
    hidden  INTEGER NOT NULL,
    unread_from INTEGER, -- unread begins here; until this is read
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX preferences_by_user ON preferences (user_id);

-- No messages between these two in their direct room.
CREATE TABLE blocks (
    user_id TEXT    NOT NULL, -- who has blocked
    other   TEXT    NOT NULL, -- whom
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, other)
) STRICT, WITHOUT ROWID;

-- Numbers are not given twice.
CREATE TABLE reports (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    room       INTEGER NOT NULL,
    target     INTEGER NOT NULL, -- the message
    reporter   TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    state      TEXT    NOT NULL, -- open, settled, dismissed
    settled_at INTEGER,          -- of one that is not open
    settled_by TEXT,
    UNIQUE (room, target, reporter)
) STRICT;

CREATE INDEX reports_by_state ON reports (state, no);
CREATE INDEX reports_by_room ON reports (room, no);
CREATE INDEX reports_by_reporter ON reports (reporter) WHERE state = 'open';
