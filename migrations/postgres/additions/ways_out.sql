-- What operators see of portals and do about them. Times are milliseconds since 1970.

-- What is the matter with a portal as a whole, JSON; NULL: nothing is known to be.
ALTER TABLE hubbub.portals ADD COLUMN trouble text;
-- It was deleted: disabled for programs that do not know this, and its secrets are gone.
ALTER TABLE hubbub.portals ADD COLUMN deleted_at bigint;
