-- What was done outside of any room's log, and by whom.
CREATE TABLE audit (
    no      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL, -- when it was asked for: milliseconds since 1970
    actor   TEXT    NOT NULL,
    act     TEXT    NOT NULL, -- the method
    subject TEXT    NOT NULL, -- the path of the request
    outcome TEXT              -- done, or the word of the refusal; NULL: not known
) STRICT;
