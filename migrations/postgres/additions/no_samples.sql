-- ANALYZE keeps samples of what columns hold in a table of its own, where a text would outlive its deletion. Nobody looks for rows by these.

ALTER TABLE hubbub.entries
    ALTER COLUMN text SET STATISTICS 0, ALTER COLUMN data SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0;
ALTER TABLE hubbub.quarantine ALTER COLUMN text SET STATISTICS 0, ALTER COLUMN data SET STATISTICS 0;
ALTER TABLE hubbub.refused_hooks ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN why SET STATISTICS 0;
ALTER TABLE hubbub.cursors ALTER COLUMN calls SET STATISTICS 0;
ALTER TABLE hubbub.sessions ALTER COLUMN refs SET STATISTICS 0;
ALTER TABLE hubbub.dead_letters ALTER COLUMN progress SET STATISTICS 0;
