-- What operators see of portals and do about them. Times are milliseconds since 1970.

-- What is the matter with a portal as a whole, JSON; NULL: nothing is known to be.
ALTER TABLE hubbub.portals ADD COLUMN trouble text;
-- It was deleted: disabled for programs that do not know this, and its secrets are gone.
ALTER TABLE hubbub.portals ADD COLUMN deleted_at bigint;

-- Webhooks whose signature was good and that were refused all the same, kept for a while.
CREATE TABLE hubbub.refused_webhooks (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal       bigint NOT NULL,
    at           bigint NOT NULL,
    status       integer NOT NULL, -- of the answer
    why          text NOT NULL,
    content_type text,
    event        text, -- the id that was in the headers
    body         bytea NOT NULL
);

CREATE INDEX refused_webhooks_by_portal ON hubbub.refused_webhooks (portal, no);
