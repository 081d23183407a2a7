-- Webhooks that were verified and then refused with a 4xx: kept for a while, so that they can be taken once what was wrong is mended.
-- Times are milliseconds since 1970.

CREATE TABLE hubbub.refused_hooks (
    no       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal   bigint  NOT NULL,
    name     text COLLATE "C" NOT NULL, -- what tells repeats of it
    at       bigint  NOT NULL, -- when it came first
    last_at  bigint  NOT NULL, -- when it came last
    times    bigint  NOT NULL, -- how often it came
    status   integer NOT NULL, -- how it was answered last
    code     text    NOT NULL,
    why      text    NOT NULL,
    headers  text    NOT NULL, -- JSON: content type and ids, no secrets
    bytes    bigint  NOT NULL, -- what headers, reason and body weigh
    body     bytea   NOT NULL, -- as it came
    UNIQUE (portal, name)
);

CREATE INDEX refused_hooks_by_portal ON hubbub.refused_hooks (portal, at, no, bytes);
CREATE INDEX refused_hooks_by_age ON hubbub.refused_hooks (at);
