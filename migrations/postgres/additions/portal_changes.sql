-- Edits and deletions from portals whose message has not come yet: they wait for it. Times are milliseconds since 1970.

CREATE TABLE hubbub.portal_changes (
    no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portal bigint NOT NULL,
    target text COLLATE "C" NOT NULL, -- the message, by the name of its event
    other  text COLLATE "C",          -- the same, by another name
    event  text COLLATE "C",          -- what tells repeats of the change
    author text   NOT NULL,
    means  text   NOT NULL,           -- edit, deletion
    text   text   NOT NULL,
    data   text,
    at     bigint NOT NULL,
    until  bigint NOT NULL            -- it is thrown away then, unless its message is in quarantine
);

CREATE UNIQUE INDEX portal_changes_by_event ON hubbub.portal_changes (portal, event) WHERE event IS NOT NULL;
CREATE INDEX portal_changes_by_target ON hubbub.portal_changes (portal, target);
CREATE INDEX portal_changes_by_other ON hubbub.portal_changes (portal, other) WHERE other IS NOT NULL;

-- No samples of what columns hold, where a text would outlive its deletion.
ALTER TABLE hubbub.portal_changes ALTER COLUMN text SET STATISTICS 0, ALTER COLUMN data SET STATISTICS 0;

-- By which names a portal knows a message.
CREATE INDEX portal_events_by_entry ON hubbub.portal_events (room, seq);
