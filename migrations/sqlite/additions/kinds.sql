-- What kinds of entries beyond the first version's need, so that a program that does not know a kind can carry it and obey it.

ALTER TABLE entries ADD COLUMN body TEXT; -- JSON object: the members of the body that have no column of their own
ALTER TABLE entries ADD COLUMN effects TEXT; -- JSON object: what every instance does when it meets the entry; NULL: nothing, or what its kind says
ALTER TABLE entries ADD COLUMN gone INTEGER; -- 1: the content was blanked
