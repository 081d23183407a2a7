-- What portals said of messages that they did not take may quote them: no samples of it, where a text would outlive its deletion.

ALTER TABLE hubbub.cursors ALTER COLUMN attempts SET STATISTICS 0;
ALTER TABLE hubbub.dead_letters ALTER COLUMN attempts SET STATISTICS 0;
