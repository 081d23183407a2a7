-- What operators see of portals and do about them. Times are milliseconds since 1970.

-- What is the matter with a portal as a whole, JSON; NULL: nothing is known to be.
ALTER TABLE portals ADD COLUMN trouble TEXT;
-- It was deleted: disabled for programs that do not know this, and its secrets are gone.
ALTER TABLE portals ADD COLUMN deleted_at INTEGER;

-- Webhooks whose signature was good and that were refused all the same, kept for a while.
CREATE TABLE refused_webhooks (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    portal       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    status       INTEGER NOT NULL, -- of the answer
    why          TEXT NOT NULL,
    content_type TEXT,
    event        TEXT, -- the id that was in the headers
    body         BLOB NOT NULL
) STRICT;

CREATE INDEX refused_webhooks_by_portal ON refused_webhooks (portal, no);
