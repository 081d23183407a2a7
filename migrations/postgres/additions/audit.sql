-- What was done outside of any room's log, and by whom.
CREATE TABLE hubbub.audit (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      bigint NOT NULL, -- when it was asked for: milliseconds since 1970
    actor   text COLLATE "C" NOT NULL,
    act     text   NOT NULL, -- the method
    subject text   NOT NULL, -- the path of the request
    outcome text             -- done, or the word of the refusal; NULL: not known
);
