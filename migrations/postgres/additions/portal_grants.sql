-- Tokens that open portals, fetched from their token endpoints: one row for each portal that has any. Times are milliseconds since
-- 1970. Tokens are sealed where the server has a key.

CREATE TABLE hubbub.portal_grants (
    portal       bigint PRIMARY KEY,
    access       text,            -- the token; NULL: there is none that is good
    renew_at     bigint,          -- when it is to be renewed; NULL: when it is refused
    made_for     text,            -- what tells the settings it was fetched for
    refresh      text,            -- what renews it
    generation   bigint NOT NULL DEFAULT 0, -- raised by each change of the above
    refused      text,            -- why the token endpoint wants another grant
    rejected_at  bigint,          -- when the portal last refused a token before its time
    fence        bigint NOT NULL DEFAULT 0, -- raised by each claim to renew it
    leased_until bigint           -- until when whoever claimed it has the renewal to itself
) WITH (fillfactor = 70);
