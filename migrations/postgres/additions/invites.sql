-- Invitations that wait for an answer. Times are milliseconds since 1970.
CREATE TABLE hubbub.invites (
    room       bigint NOT NULL,
    user_id    text COLLATE "C" NOT NULL, -- who is invited
    by_user    text COLLATE "C" NOT NULL, -- by whom
    at         bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (room, user_id, by_user)
);

CREATE INDEX invites_by_user ON hubbub.invites (user_id);
CREATE INDEX invites_by_end ON hubbub.invites (expires_at);

-- Whoever becomes a member, leaves, is removed or is banned is not invited any more: an earlier invitation does not undo it. Also where an
-- instance of an older version writes the entry.
CREATE FUNCTION hubbub.end_invites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hubbub.invites i WHERE i.room = NEW.room AND i.user_id = NEW.subject;
    RETURN NULL;
END $$;

CREATE TRIGGER entries_end_invites AFTER INSERT ON hubbub.entries FOR EACH ROW
    WHEN (NEW.kind IN ('joined', 'left', 'banned'))
    EXECUTE FUNCTION hubbub.end_invites();
