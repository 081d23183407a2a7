-- What the migration adds. When the old chat is gone, so may all of this.

-- The one switch: OLD, BOTH or NEW.
CREATE TABLE chat_switch (
    id   int PRIMARY KEY CHECK (id = 1),
    mode varchar(4) NOT NULL CHECK (mode IN ('OLD', 'BOTH', 'NEW'))
);
INSERT INTO chat_switch VALUES (1, 'OLD');

-- The room of a team is made or changed soon after the team is.
ALTER TABLE teams ADD COLUMN room_due boolean NOT NULL DEFAULT true;
ALTER TABLE teams ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- The table is its own outbox: a message without hubbub_id is not in Hubbub yet.
ALTER TABLE messages ADD COLUMN hubbub_id uuid UNIQUE;
ALTER TABLE messages ADD COLUMN hubbub_seq bigint;
ALTER TABLE messages ADD COLUMN refused text;                            -- why Hubbub will never take it
ALTER TABLE messages ADD COLUMN to_tell boolean NOT NULL DEFAULT false;  -- the old chat's sockets are to be told of it
CREATE INDEX messages_to_send ON messages (team, id) WHERE hubbub_id IS NULL AND refused IS NULL;
CREATE INDEX messages_to_tell ON messages (id) WHERE to_tell;
CREATE INDEX messages_by_seq ON messages (team, hubbub_seq);

-- How far each room of Hubbub has been read into the table.
CREATE TABLE room_cursors (
    team    varchar(64) PRIMARY KEY REFERENCES teams,
    epoch   text NOT NULL DEFAULT '',
    seq     bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
);

-- Support: what the portal has told us, each webhook once.
CREATE TABLE webhooks (
    id          text PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE support_messages (
    session varchar(64) NOT NULL,
    seq     bigint NOT NULL,
    author  text NOT NULL,
    body    text NOT NULL,
    PRIMARY KEY (session, seq)
);
