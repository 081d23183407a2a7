-- When people were last seen, to the minute (milliseconds since 1970; 0: never), and whether that is shown.
CREATE TABLE last_seen (
    user_id TEXT PRIMARY KEY,
    at      INTEGER NOT NULL,
    hidden  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
