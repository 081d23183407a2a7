-- Edits and deletions from portals whose message has not come yet: they wait for it. Times are milliseconds since 1970.

CREATE TABLE portal_changes (
    no     INTEGER PRIMARY KEY AUTOINCREMENT,
    portal INTEGER NOT NULL,
    target TEXT    NOT NULL, -- the message, by the name of its event
    other  TEXT,             -- the same, by another name
    event  TEXT,             -- what tells repeats of the change
    author TEXT    NOT NULL,
    means  TEXT    NOT NULL, -- edit, deletion
    text   TEXT    NOT NULL,
    data   TEXT,
    at     INTEGER NOT NULL,
    until  INTEGER NOT NULL  -- it is thrown away then, unless its message is in quarantine
) STRICT;

CREATE UNIQUE INDEX portal_changes_by_event ON portal_changes (portal, event) WHERE event IS NOT NULL;
CREATE INDEX portal_changes_by_target ON portal_changes (portal, target);
CREATE INDEX portal_changes_by_other ON portal_changes (portal, other) WHERE other IS NOT NULL;

-- By which names a portal knows a message.
CREATE INDEX portal_events_by_entry ON portal_events (room, seq);
