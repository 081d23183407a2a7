-- When people were last seen, to the minute (milliseconds since 1970; 0: never), and whether that is shown.
CREATE TABLE hubbub.last_seen (
    user_id text COLLATE "C" PRIMARY KEY,
    at      bigint  NOT NULL,
    hidden  boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
