-- Messages that change: edits, deletions, reactions, threads, pins; roles, mutes and settings of rooms.

ALTER TABLE hubbub.rooms ADD COLUMN settings text; -- JSON object: what an admin has set; NULL: nothing

ALTER TABLE hubbub.members
    ADD COLUMN rank   text,   -- the role, where the first version did not know it: that version goes by `standing`
    ADD COLUMN joined bigint; -- the entry with which they last became a member; NULL: `since`

CREATE INDEX members_admins ON hubbub.members (room) WHERE standing = 'admin';

ALTER TABLE hubbub.entries
    ADD COLUMN rank    text,    -- as in members, for `role`
    ADD COLUMN thread  bigint,  -- the root of the thread that a message is in
    ADD COLUMN in_room boolean, -- it is shown in the room although it is in a thread
    ADD COLUMN edit    bigint,  -- of a message: its newest `edited` entry; of an `edited` entry: the one before it
    ADD COLUMN edits   integer; -- of a message: how many `edited` entries it has

-- Pages as people read them, and what is unread. The predicate must stand in statements word for word.
CREATE INDEX entries_shown ON hubbub.entries (room, seq)
    WHERE kind IN ('message', 'joined', 'left', 'banned', 'renamed', 'opened', 'waiting', 'closed', 'muted', 'unmuted', 'changed')
        AND (thread IS NULL OR in_room);

CREATE INDEX entries_thread ON hubbub.entries (room, thread, seq) WHERE thread IS NOT NULL;

-- What a room remembers of people beside their membership, which it outlives.
CREATE TABLE hubbub.speakers (
    room        bigint NOT NULL,
    user_id     text COLLATE "C" NOT NULL,
    muted_until bigint, -- milliseconds since 1970
    wrote_at    bigint, -- the last message, where the room had a slow mode then
    PRIMARY KEY (room, user_id)
);

-- A row for each message that was ever answered in a thread.
CREATE TABLE hubbub.threads (
    room    bigint NOT NULL,
    root    bigint NOT NULL,
    replies bigint NOT NULL, -- those that were deleted are left out
    last    bigint NOT NULL, -- the newest reply, also where that was deleted
    last_at bigint NOT NULL,
    PRIMARY KEY (room, root)
) WITH (fillfactor = 80);

-- Who has added which reaction to which message. Those of deleted messages stay, and are not shown.
CREATE TABLE hubbub.reactions (
    room     bigint NOT NULL,
    target   bigint NOT NULL,
    reaction text COLLATE "C" NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL, -- the entry that added it
    PRIMARY KEY (room, target, reaction, user_id)
);

-- How often a message has a reaction: as many as there are rows in `reactions`.
CREATE TABLE hubbub.reaction_counts (
    room     bigint NOT NULL,
    target   bigint NOT NULL,
    reaction text COLLATE "C" NOT NULL,
    count    bigint NOT NULL,
    first    bigint NOT NULL, -- the entry since which there has been one without a break
    PRIMARY KEY (room, target, reaction)
) WITH (fillfactor = 80);

CREATE TABLE hubbub.pins (
    room   bigint NOT NULL,
    target bigint NOT NULL,
    seq    bigint NOT NULL, -- the entry that pinned it
    PRIMARY KEY (room, target)
);
