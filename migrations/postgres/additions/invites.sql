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
