-- One row for each life of an instance; it lives until `expires_at`, judged by this server's clock, and is then removed by
-- whichever instance renews next. Updates stay in place (HOT).
CREATE TABLE hubbub.instances (
    boot       uuid    PRIMARY KEY,
    bus        boolean NOT NULL, -- its wakes travel, as far as it can tell
    expires_at bigint  NOT NULL  -- milliseconds since 1970
) WITH (fillfactor = 50);
