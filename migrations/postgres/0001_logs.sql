-- The logs, and who may read them. Ids compare byte by byte (COLLATE "C"), as they do everywhere else.
-- `hubbub.` stands for the configured schema.

CREATE TABLE hubbub.meta (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    database    uuid    NOT NULL,
    hash_key    bytea   NOT NULL,
    incarnation bigint  NOT NULL,
    timeline    bigint  -- the server's when it was last looked at
);

-- No index on what changes with every message, and room on the page: an update stays in place (HOT).
CREATE TABLE hubbub.rooms (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text COLLATE "C" NOT NULL UNIQUE,
    kind         text   NOT NULL,
    name         text   NOT NULL,
    head         bigint NOT NULL DEFAULT 0,
    floor        bigint NOT NULL DEFAULT 1,
    generation   bigint NOT NULL DEFAULT 1,
    last_message bigint NOT NULL DEFAULT 0, -- the seq of the newest message, for lists of rooms
    created_at   bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE hubbub.members (
    room     bigint NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    standing text   NOT NULL CHECK (standing IN ('member', 'admin', 'banned')),
    since    bigint NOT NULL,
    PRIMARY KEY (room, user_id)
);

CREATE INDEX members_by_user ON hubbub.members (user_id);

CREATE TABLE hubbub.entries (
    room    bigint NOT NULL,
    seq     bigint NOT NULL,
    id      uuid   NOT NULL,
    kind    text   NOT NULL,
    author  text COLLATE "C" NOT NULL,
    at      bigint NOT NULL, -- milliseconds since 1970
    key     text COLLATE "C" NOT NULL,
    hash    bytea,           -- NULL once erased: any body fits the key
    text    text,
    data    text,            -- JSON as the client wrote it; jsonb refuses \u0000 and rewrites numbers
    target  bigint,          -- reply_to
    subject text,            -- the user it is about, or the new name
    role    text,
    PRIMARY KEY (room, seq),
    UNIQUE (room, author, key)
);

CREATE TABLE hubbub.users (
    id         text COLLATE "C" PRIMARY KEY,
    info       text   NOT NULL,
    updated_at bigint NOT NULL
);
