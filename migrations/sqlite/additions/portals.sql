-- Portals, their sessions, and the cursors by which they read the sessions' logs. Times are milliseconds since 1970.

-- Where the room stands as a support session: open, waiting or closed; NULL: it is none.
ALTER TABLE rooms ADD COLUMN session TEXT;

CREATE TABLE portals (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    settings     TEXT   NOT NULL, -- JSON
    secrets      TEXT   NOT NULL, -- JSON
    standing     TEXT   NOT NULL CHECK (standing IN ('active', 'paused', 'disabled')),
    why          TEXT,            -- why it is disabled
    revision     INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    succeeded_at INTEGER           -- when it last took something, to about a second
) STRICT;

CREATE TABLE sessions (
    room       INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE, -- the room's: lists of sessions look at sessions only
    portal     INTEGER NOT NULL,
    customer   TEXT    NOT NULL,
    external   TEXT, -- the portal's own id of the conversation
    created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX sessions_by_external ON sessions (portal, external) WHERE external IS NOT NULL;
CREATE INDEX sessions_by_portal ON sessions (portal, id);
CREATE INDEX sessions_by_customer ON sessions (customer, id);

-- How far a portal has got in a session's log. The row has a head of its own, so that whether something waits is decided in one
-- row, under its lock.
CREATE TABLE cursors (
    room          INTEGER PRIMARY KEY,
    portal        INTEGER  NOT NULL,
    position      INTEGER  NOT NULL,
    head          INTEGER  NOT NULL,
    due_at        INTEGER, -- NULL: nothing is to be done; while it is leased, when the lease ends
    leased        INTEGER NOT NULL DEFAULT 0,
    fence         INTEGER  NOT NULL DEFAULT 0, -- raised by each claim
    waiting_since INTEGER,
    counted       INTEGER NOT NULL DEFAULT 0, -- attempts that count against the entry after position
    since         INTEGER, -- its first attempt
    attempts      TEXT    NOT NULL DEFAULT '[]', -- JSON, the newest last
    blocked       INTEGER NOT NULL DEFAULT 0, -- stands still at a dead letter
    replays       INTEGER NOT NULL DEFAULT 0 -- dead letters to be sent again
) STRICT;

-- Sessions with nothing to do are not in it: they cost the workers nothing.
CREATE INDEX cursors_due ON cursors (portal, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cursors_blocked ON cursors (portal) WHERE blocked;

CREATE TABLE dead_letters (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    portal       INTEGER  NOT NULL,
    room         INTEGER  NOT NULL,
    seq          INTEGER  NOT NULL,
    at           INTEGER  NOT NULL,
    why          TEXT    NOT NULL,
    attempts     TEXT    NOT NULL, -- JSON
    replaying    INTEGER NOT NULL DEFAULT 0,
    delivered_at INTEGER,
    UNIQUE (room, seq)
) STRICT;

CREATE INDEX dead_letters_by_portal ON dead_letters (portal, no);
CREATE INDEX dead_letters_dead ON dead_letters (portal) WHERE delivered_at IS NULL;

-- What tells repeats of incoming webhooks.
CREATE TABLE portal_events (
    portal INTEGER NOT NULL,
    event  TEXT NOT NULL,
    room   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (portal, event)
) STRICT;

-- Events for sessions that were not known.
CREATE TABLE quarantine (
    no       INTEGER PRIMARY KEY AUTOINCREMENT,
    portal   INTEGER NOT NULL,
    id       BLOB NOT NULL UNIQUE, -- the message's: the same call again keeps it once
    event    TEXT,
    session  TEXT,
    external TEXT,
    author   TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    data     TEXT,
    at       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX quarantine_by_event ON quarantine (portal, event) WHERE event IS NOT NULL;
CREATE INDEX quarantine_by_portal ON quarantine (portal, no);
