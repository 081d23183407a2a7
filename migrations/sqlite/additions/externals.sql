-- Every id that a portal has called a session's conversation by. `sessions.external` is what the program before reads: one of them,
-- while no other session has it.
CREATE TABLE session_externals (
    portal   INTEGER NOT NULL,
    external TEXT    NOT NULL,
    room     INTEGER NOT NULL,
    since    INTEGER NOT NULL, -- since when it goes out, ascending in a session: the last does; 0: it only finds the session
    PRIMARY KEY (portal, external, room)
) STRICT;

CREATE INDEX session_externals_by_room ON session_externals (room, since);
CREATE INDEX session_externals_by_external ON session_externals (portal, external, since);

INSERT INTO session_externals (portal, external, room, since)
    SELECT portal, external, room, created_at FROM sessions WHERE external IS NOT NULL;

ALTER TABLE quarantine ADD COLUMN awaits INTEGER NOT NULL DEFAULT 1; -- it leaves by itself once its session is known
ALTER TABLE quarantine ADD COLUMN room INTEGER; -- its session, once that is known: it is to leave
ALTER TABLE quarantine ADD COLUMN until INTEGER; -- it is thrown away then, unless its session is known

-- What is there already is the operator's.
UPDATE quarantine SET awaits = 0;

CREATE INDEX quarantine_awaiting ON quarantine (portal, external) WHERE awaits;
CREATE INDEX quarantine_awaiting_session ON quarantine (portal, session) WHERE awaits;
CREATE INDEX quarantine_leaving ON quarantine (room, no) WHERE room IS NOT NULL;
