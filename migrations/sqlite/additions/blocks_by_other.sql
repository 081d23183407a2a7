-- Who has blocked somebody.
CREATE INDEX blocks_by_other ON blocks (other);
