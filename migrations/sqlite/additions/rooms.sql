-- Rooms as a product needs them: lists of all of them, and what is left of those that were deleted.

CREATE INDEX rooms_by_kind ON rooms (kind, id);

-- A deleted room keeps its row, and with it its id, under another number: whatever hangs on the old one is found by nobody.
ALTER TABLE rooms ADD COLUMN was INTEGER; -- of a room that was deleted: its number before

-- What is to be cleared away, some at a time. A row is there until all of it is. Times are milliseconds since 1970.
CREATE TABLE deleted_rooms (
    no     INTEGER PRIMARY KEY, -- the number that the room had
    at     INTEGER NOT NULL,    -- when it was deleted
    due_at INTEGER NOT NULL     -- when it is looked at next
) STRICT;

-- What is kept of a room beside its row, which every commit copies.
CREATE TABLE room_infos (
    room  INTEGER PRIMARY KEY,
    topic TEXT NOT NULL, -- what it is about, for people
    data  TEXT           -- what the product keeps with it: JSON
) STRICT;
