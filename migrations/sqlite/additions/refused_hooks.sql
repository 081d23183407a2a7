-- Webhooks that were verified and then refused with a 4xx: kept for a while, so that they can be taken once what was wrong is mended.
-- Times are milliseconds since 1970.

CREATE TABLE refused_hooks (
    no       INTEGER PRIMARY KEY AUTOINCREMENT,
    portal   INTEGER NOT NULL,
    name     TEXT    NOT NULL, -- what tells repeats of it
    at       INTEGER NOT NULL, -- when it came first
    last_at  INTEGER NOT NULL, -- when it came last
    times    INTEGER NOT NULL, -- how often it came
    status   INTEGER NOT NULL, -- how it was answered last
    code     TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    headers  TEXT    NOT NULL, -- JSON: content type and ids, no secrets
    bytes    INTEGER NOT NULL, -- what headers, reason and body weigh
    body     BLOB    NOT NULL, -- as it came
    UNIQUE (portal, name)
) STRICT;

CREATE INDEX refused_hooks_by_portal ON refused_hooks (portal, at, no, bytes);
CREATE INDEX refused_hooks_by_age ON refused_hooks (at);
