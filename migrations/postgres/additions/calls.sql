-- What calls of a portal leave behind: how far those of one entry have come, and what was picked from their answers. JSON; NULL:
-- nothing.
ALTER TABLE hubbub.cursors ADD COLUMN calls text;
ALTER TABLE hubbub.sessions ADD COLUMN refs text;
ALTER TABLE hubbub.dead_letters ADD COLUMN progress text;
