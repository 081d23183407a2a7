-- What people decide for themselves, and what they report. Times are milliseconds since 1970.

-- A row where anything is other than usual.
CREATE TABLE hubbub.preferences (
    room    bigint  NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    notify  text    NOT NULL, -- all, mentions, nothing
    pinned  boolean NOT NULL,
    hidden  boolean NOT NULL,
    unread_from bigint, -- unread begins here; until this is read
    PRIMARY KEY (room, user_id)
);

CREATE INDEX preferences_by_user ON hubbub.preferences (user_id);
CREATE INDEX preferences_unread ON hubbub.preferences (room, user_id) WHERE unread_from IS NOT NULL;

-- No messages between these two in their direct room.
CREATE TABLE hubbub.blocks (
    user_id text COLLATE "C" NOT NULL, -- who has blocked
    other   text COLLATE "C" NOT NULL, -- whom
    at      bigint NOT NULL,
    PRIMARY KEY (user_id, other)
);

CREATE TABLE hubbub.reports (
    no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room       bigint NOT NULL,
    target     bigint NOT NULL, -- the message
    reporter   text COLLATE "C" NOT NULL,
    reason     text   NOT NULL,
    at         bigint NOT NULL,
    state      text   NOT NULL, -- open, settled, dismissed
    settled_at bigint,          -- of one that is not open
    settled_by text COLLATE "C",
    UNIQUE (room, target, reporter)
);

CREATE INDEX reports_by_state ON hubbub.reports (state, no);
CREATE INDEX reports_by_room ON hubbub.reports (room, no);
CREATE INDEX reports_by_reporter ON hubbub.reports (reporter) WHERE state = 'open';

-- No samples of what columns hold, where a text would outlive its deletion.
ALTER TABLE hubbub.reports ALTER COLUMN reason SET STATISTICS 0;
