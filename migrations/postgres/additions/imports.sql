-- Rooms that are being imported: as rows of `rooms`, whose place they take once they are whole. Until then their ids are kept by rows
-- of `rooms` that have other numbers, and nobody finds what hangs on these. Times are milliseconds since 1970.

CREATE TABLE hubbub.imports (
    no           bigint PRIMARY KEY, -- the number that entries, members and the rest hang on
    id           text COLLATE "C" NOT NULL UNIQUE,
    kind         text   NOT NULL,
    name         text   NOT NULL,
    head         bigint NOT NULL DEFAULT 0,
    floor        bigint NOT NULL DEFAULT 1,
    generation   bigint NOT NULL DEFAULT 1,
    last_message bigint NOT NULL DEFAULT 0,
    created_at   bigint NOT NULL,
    settings     text,
    session      text,
    closed       bigint NOT NULL, -- the number of the row of `rooms` that keeps the id
    opened_at    bigint           -- NULL: it is not whole
) WITH (fillfactor = 70);
