-- Invitations that wait for an answer. Times are milliseconds since 1970.
CREATE TABLE invites (
    room       INTEGER NOT NULL,
    user_id    TEXT    NOT NULL, -- who is invited
    by_user    TEXT    NOT NULL, -- by whom
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (room, user_id, by_user)
) STRICT, WITHOUT ROWID;

CREATE INDEX invites_by_user ON invites (user_id);
CREATE INDEX invites_by_end ON invites (expires_at);

-- Whoever becomes a member, leaves, is removed or is banned is not invited any more: an earlier invitation does not undo it.
CREATE TRIGGER entries_end_invites AFTER INSERT ON entries WHEN NEW.kind IN ('joined', 'left', 'banned')
BEGIN
    DELETE FROM invites WHERE room = NEW.room AND user_id = NEW.subject;
END;
