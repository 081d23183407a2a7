-- One row for each life of an instance; it lives until `expires_at`, and is then removed by whichever renews next.
CREATE TABLE instances (
    boot       BLOB    PRIMARY KEY,
    bus        INTEGER NOT NULL, -- its wakes travel, as far as it can tell
    expires_at INTEGER NOT NULL  -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
