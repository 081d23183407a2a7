-- How many times rooms that were imported have been opened. Instances look at it: who is in such a room was told by no wake.
-- Whoever opens some has the row until the end of the transaction, so that no two of them are one.

CREATE TABLE hubbub.openings (
    one    smallint PRIMARY KEY CHECK (one = 1),
    number bigint   NOT NULL
) WITH (fillfactor = 50);
INSERT INTO hubbub.openings (one, number) VALUES (1, 0);
