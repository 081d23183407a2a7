-- Of each user: tokens issued before a moment (milliseconds since 1970) are not taken any more, and how connections by them are closed.
-- `number` counts all changes.
CREATE TABLE revocations (
    user_id       TEXT PRIMARY KEY,
    number        INTEGER NOT NULL UNIQUE,
    issued_before INTEGER NOT NULL,
    reconnect     INTEGER NOT NULL,
    reason        TEXT
) STRICT, WITHOUT ROWID;
