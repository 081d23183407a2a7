-- Every id that a portal has called a session's conversation by. `sessions.external` is what the program before reads: one of them,
-- while no other session has it. What an instance of that program writes there counts, too.
CREATE TABLE hubbub.session_externals (
    portal   bigint NOT NULL,
    external text COLLATE "C" NOT NULL,
    room     bigint NOT NULL,
    since    bigint NOT NULL, -- since when it goes out, ascending in a session: the last does; 0: it only finds the session
    PRIMARY KEY (portal, external, room)
);

CREATE INDEX session_externals_by_room ON hubbub.session_externals (room, since);
CREATE INDEX session_externals_by_external ON hubbub.session_externals (portal, external, since);

INSERT INTO hubbub.session_externals (portal, external, room, since)
    SELECT portal, external, room, created_at FROM hubbub.sessions WHERE external IS NOT NULL;

ALTER TABLE hubbub.quarantine
    ADD COLUMN awaits boolean NOT NULL DEFAULT true, -- it leaves by itself once its session is known
    ADD COLUMN room   bigint, -- its session, once that is known: it is to leave
    ADD COLUMN until  bigint; -- it is thrown away then, unless its session is known

-- What is there already is the operator's.
UPDATE hubbub.quarantine SET awaits = false;

CREATE INDEX quarantine_awaiting ON hubbub.quarantine (portal, external) WHERE awaits;
CREATE INDEX quarantine_awaiting_session ON hubbub.quarantine (portal, session) WHERE awaits;
CREATE INDEX quarantine_leaving ON hubbub.quarantine (room, no) WHERE room IS NOT NULL;
