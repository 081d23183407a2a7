-- Of each user: tokens issued before a moment (milliseconds since 1970) are not taken any more, and how connections by them are closed.
-- `number` counts all changes. Whoever changes something has the row of revocation_number, so that numbers are committed in order.
CREATE TABLE hubbub.revocations (
    user_id       text COLLATE "C" PRIMARY KEY,
    number        bigint  NOT NULL UNIQUE,
    issued_before bigint  NOT NULL,
    reconnect     boolean NOT NULL,
    reason        text
);
CREATE TABLE hubbub.revocation_number (
    one    integer PRIMARY KEY CHECK (one = 1),
    number bigint  NOT NULL
);
INSERT INTO hubbub.revocation_number (one, number) VALUES (1, 0);
