-- What kinds of entries beyond the first version's need, so that a program that does not know a kind can carry it and obey it.

ALTER TABLE hubbub.entries
    ADD COLUMN body    text,    -- JSON object: the members of the body that have no column of their own
    ADD COLUMN effects text,    -- JSON object: what every instance does when it meets the entry; NULL: nothing, or what its kind says
    ADD COLUMN gone    boolean; -- the content was blanked
