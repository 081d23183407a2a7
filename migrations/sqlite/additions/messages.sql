-- Messages that change: edits, deletions, reactions, threads, pins; roles, mutes and settings of rooms.

ALTER TABLE rooms ADD COLUMN settings TEXT; -- JSON object: what an admin has set; NULL: nothing

ALTER TABLE members ADD COLUMN rank TEXT; -- the role, where the first version did not know it: that version goes by `standing`
ALTER TABLE members ADD COLUMN joined INTEGER; -- the entry with which they last became a member; NULL: `since`

CREATE INDEX members_admins ON members (room) WHERE standing = 'admin';

ALTER TABLE entries ADD COLUMN rank TEXT; -- as in members, for `role`
ALTER TABLE entries ADD COLUMN thread INTEGER; -- the root of the thread that a message is in
ALTER TABLE entries ADD COLUMN in_room INTEGER; -- 1: it is shown in the room although it is in a thread
ALTER TABLE entries ADD COLUMN edit INTEGER; -- of a message: its newest `edited` entry; of an `edited` entry: the one before it
ALTER TABLE entries ADD COLUMN edits INTEGER; -- of a message: how many `edited` entries it has

-- Pages as people read them, and what is unread. The predicate must stand in statements word for word.
CREATE INDEX entries_shown ON entries (room, seq)
    WHERE kind IN ('message', 'joined', 'left', 'banned', 'renamed', 'opened', 'waiting', 'closed', 'muted', 'unmuted', 'changed')
        AND (thread IS NULL OR in_room);

CREATE INDEX entries_thread ON entries (room, thread, seq) WHERE thread IS NOT NULL;

-- What a room remembers of people beside their membership, which it outlives.
CREATE TABLE speakers (
    room        INTEGER NOT NULL,
    user_id     TEXT NOT NULL,
    muted_until INTEGER, -- milliseconds since 1970
    wrote_at    INTEGER, -- the last message, where the room had a slow mode then
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

-- A row for each message that was ever answered in a thread.
CREATE TABLE threads (
    room    INTEGER NOT NULL,
    root    INTEGER NOT NULL,
    replies INTEGER NOT NULL, -- those that were deleted are left out
    last    INTEGER NOT NULL, -- the newest reply, also where that was deleted
    last_at INTEGER NOT NULL,
    PRIMARY KEY (room, root)
) STRICT, WITHOUT ROWID;

-- Who has added which reaction to which message. Those of deleted messages stay, and are not shown.
CREATE TABLE reactions (
    room     INTEGER NOT NULL,
    target   INTEGER NOT NULL,
    reaction TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    seq      INTEGER NOT NULL, -- the entry that added it
    PRIMARY KEY (room, target, reaction, user_id)
) STRICT, WITHOUT ROWID;

-- How often a message has a reaction: as many as there are rows in `reactions`.
CREATE TABLE reaction_counts (
    room     INTEGER NOT NULL,
    target   INTEGER NOT NULL,
    reaction TEXT NOT NULL,
    count    INTEGER NOT NULL,
    first    INTEGER NOT NULL, -- the entry since which there has been one without a break
    PRIMARY KEY (room, target, reaction)
) STRICT, WITHOUT ROWID;

CREATE TABLE pins (
    room   INTEGER NOT NULL,
    target INTEGER NOT NULL,
    seq    INTEGER NOT NULL, -- the entry that pinned it
    PRIMARY KEY (room, target)
) STRICT, WITHOUT ROWID;
