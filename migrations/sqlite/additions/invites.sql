-- Invitations that wait for an answer. Times are milliseconds since 1970.
CREATE TABLE invites (
    room       INTEGER NOT NULL,
    user_id    TEXT    NOT NULL, -- who is invited
    by_user    TEXT    NOT NULL, -- by whom
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (room, user_id, by_user)
) STRICT, WITHOUT ROWID;

CREATE INDEX invites_by_user ON invites (user_id);
