-- Rooms as a product needs them: lists of all of them, and what is left of those that were deleted.

CREATE INDEX rooms_by_kind ON hubbub.rooms (kind, id);

-- A deleted room keeps its row, and with it its id, under another number: whatever hangs on the old one is found by nobody.
ALTER TABLE hubbub.rooms ADD COLUMN was bigint; -- of a room that was deleted: its number before

-- What is to be cleared away, some at a time. A row is there until all of it is. Times are milliseconds since 1970.
CREATE TABLE hubbub.deleted_rooms (
    no     bigint PRIMARY KEY, -- the number that the room had
    at     bigint NOT NULL,    -- when it was deleted
    due_at bigint NOT NULL     -- when it is looked at next
);

-- What is kept of a room beside its row, which every commit copies.
CREATE TABLE hubbub.room_infos (
    room  bigint PRIMARY KEY,
    topic text NOT NULL, -- what it is about, for people
    data  text           -- what the product keeps with it: JSON
);

-- No samples of what columns hold, where a text would outlive its deletion.
ALTER TABLE hubbub.room_infos ALTER COLUMN topic SET STATISTICS 0, ALTER COLUMN data SET STATISTICS 0;
