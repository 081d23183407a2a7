-- Portals, their sessions, and the cursors by which they read the sessions' logs. Times are milliseconds since 1970.

-- Where the room stands as a support session: open, waiting or closed; NULL: it is none.
ALTER TABLE hubbub.rooms ADD COLUMN session text;

CREATE TABLE hubbub.portals (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text COLLATE "C" NOT NULL UNIQUE,
    settings     text   NOT NULL, -- JSON
    secrets      text   NOT NULL, -- JSON
    standing     text   NOT NULL CHECK (standing IN ('active', 'paused', 'disabled')),
    why          text,            -- why it is disabled
    revision     bigint NOT NULL DEFAULT 1,
    created_at   bigint NOT NULL,
    succeeded_at bigint           -- when it last took something, to about a second
) WITH (fillfactor = 50);

CREATE TABLE hubbub.sessions (
    room       bigint PRIMARY KEY,
    id         text COLLATE "C" NOT NULL UNIQUE, -- the room's: lists of sessions look at sessions only
    portal     bigint NOT NULL,
    customer   text COLLATE "C" NOT NULL,
    external   text COLLATE "C", -- the portal's own id of the conversation
    created_at bigint NOT NULL
);

CREATE UNIQUE INDEX sessions_by_external ON hubbub.sessions (portal, external) WHERE external IS NOT NULL;
CREATE INDEX sessions_by_portal ON hubbub.sessions (portal, id);
CREATE INDEX sessions_by_customer ON hubbub.sessions (customer, id);

-- How far a portal has got in a session's log. The row has a head of its own, so that whether something waits is decided in one
-- row, under its lock.
CREATE TABLE hubbub.cursors (
    room          bigint PRIMARY KEY,
    portal        bigint  NOT NULL,
    position      bigint  NOT NULL,
    head          bigint  NOT NULL,
    due_at        bigint, -- NULL: nothing is to be done; while it is leased, when the lease ends
    leased        boolean NOT NULL DEFAULT false,
    fence         bigint  NOT NULL DEFAULT 0, -- raised by each claim
    waiting_since bigint,
    counted       integer NOT NULL DEFAULT 0, -- attempts that count against the entry after position
    since         bigint, -- its first attempt
    attempts      text    NOT NULL DEFAULT '[]', -- JSON, the newest last
    blocked       boolean NOT NULL DEFAULT false, -- stands still at a dead letter
    replays       integer NOT NULL DEFAULT 0 -- dead letters to be sent again
) WITH (fillfactor = 70);

-- Sessions with nothing to do are not in it: they cost the workers nothing.
CREATE INDEX cursors_due ON hubbub.cursors (portal, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cursors_blocked ON hubbub.cursors (portal) WHERE blocked;

CREATE TABLE hubbub.dead_letters (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal       bigint  NOT NULL,
    room         bigint  NOT NULL,
    seq          bigint  NOT NULL,
    at           bigint  NOT NULL,
    why          text    NOT NULL,
    attempts     text    NOT NULL, -- JSON
    replaying    boolean NOT NULL DEFAULT false,
    delivered_at bigint,
    UNIQUE (room, seq)
);

CREATE INDEX dead_letters_by_portal ON hubbub.dead_letters (portal, no);
CREATE INDEX dead_letters_dead ON hubbub.dead_letters (portal) WHERE delivered_at IS NULL;

-- What tells repeats of incoming webhooks.
CREATE TABLE hubbub.portal_events (
    portal bigint NOT NULL,
    event  text COLLATE "C" NOT NULL,
    room   bigint NOT NULL,
    seq    bigint NOT NULL,
    PRIMARY KEY (portal, event)
);

-- Events for sessions that were not known.
CREATE TABLE hubbub.quarantine (
    no       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal   bigint NOT NULL,
    id       uuid   NOT NULL UNIQUE, -- the message's: the same call again keeps it once
    event    text COLLATE "C",
    session  text,
    external text,
    author   text   NOT NULL,
    text     text   NOT NULL,
    data     text,
    at       bigint NOT NULL
);

CREATE UNIQUE INDEX quarantine_by_event ON hubbub.quarantine (portal, event) WHERE event IS NOT NULL;
CREATE INDEX quarantine_by_portal ON hubbub.quarantine (portal, no);
