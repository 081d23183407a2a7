-- What calls of a portal leave behind: how far those of one entry have come, and what was picked from their answers. JSON; NULL:
-- nothing.
ALTER TABLE cursors ADD COLUMN calls TEXT;
ALTER TABLE sessions ADD COLUMN refs TEXT;
ALTER TABLE dead_letters ADD COLUMN progress TEXT;
