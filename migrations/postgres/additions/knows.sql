-- Two versions side by side. What an instance knows of what was added to logs: words with a space between them; NULL: nothing, as
-- with every program that does not write this column.
ALTER TABLE hubbub.instances ADD COLUMN knows text;

-- A program that does not know ranks changes how somebody stands and leaves the rest of the row as it is, which then says what is
-- no longer so. Every other writes `stands_since` along with `since`.
ALTER TABLE hubbub.members ADD COLUMN stands_since bigint;

CREATE FUNCTION hubbub.forget_rank() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.rank := NULL;
    -- Let in again: a new membership.
    IF OLD.standing = 'banned' THEN
        NEW.joined := NULL;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER members_forget_rank BEFORE UPDATE ON hubbub.members FOR EACH ROW
    WHEN (NEW.since <> OLD.since AND NEW.stands_since = OLD.stands_since)
    EXECUTE FUNCTION hubbub.forget_rank();
