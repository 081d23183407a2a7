-- Two versions side by side. What an instance knows of what was added to logs: words with a space between them; NULL: nothing, as
-- with every program that does not write this column.
ALTER TABLE instances ADD COLUMN knows TEXT;

-- A program that does not know ranks changes how somebody stands and leaves the rest of the row as it is, which then says what is
-- no longer so. Every other writes `stands_since` along with `since`.
ALTER TABLE members ADD COLUMN stands_since INTEGER;

CREATE TRIGGER members_forget_rank AFTER UPDATE OF since ON members
    WHEN NEW.since <> OLD.since AND NEW.stands_since = OLD.stands_since
BEGIN
    -- Let in again: a new membership.
    UPDATE members SET rank = NULL, joined = CASE WHEN OLD.standing = 'banned' THEN NULL ELSE joined END
        WHERE room = NEW.room AND user_id = NEW.user_id;
END;
