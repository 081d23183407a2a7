-- Tokens that open portals, fetched from their token endpoints: one row for each portal that has any. Times are milliseconds since
-- 1970. Tokens are sealed where the server has a key.

CREATE TABLE portal_grants (
    portal       INTEGER PRIMARY KEY, 
    access       TEXT,            -- the token; NULL: there is none that is good
    renew_at     INTEGER,          -- when it is to be renewed; NULL: when it is refused
    made_for     TEXT,            -- what tells the settings it was fetched for
    refresh      TEXT,            -- what renews it
    generation   INTEGER NOT NULL DEFAULT 0, -- raised by each change of the above
    refused      TEXT,            -- why the token endpoint wants another grant
    rejected_at  INTEGER,          -- when the portal last refused a token before its time
    fence        INTEGER NOT NULL DEFAULT 0, -- raised by each claim to renew it
    leased_until INTEGER           -- until when whoever claimed it has the renewal to itself
) STRICT;
