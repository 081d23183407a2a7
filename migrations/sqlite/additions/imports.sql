-- Rooms that are being imported: as rows of `rooms`, whose place they take once they are whole. Until then their ids are kept by rows
-- of `rooms` that have other numbers, and nobody finds what hangs on these. Times are milliseconds since 1970.

CREATE TABLE imports (
    no           INTEGER PRIMARY KEY, -- the number that entries, members and the rest hang on
    id           TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    head         INTEGER NOT NULL DEFAULT 0,
    floor        INTEGER NOT NULL DEFAULT 1,
    generation   INTEGER NOT NULL DEFAULT 1,
    last_message INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    settings     TEXT,
    session      TEXT,
    closed       INTEGER NOT NULL, -- the number of the row of `rooms` that keeps the id
    opened_at    INTEGER           -- NULL: it is not whole
) STRICT;
