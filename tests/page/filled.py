"""Fills a room of a server's SQLite file with messages, as fast as the file takes them: FILE ROOM COUNT.

They are by two people in turn, ten minutes apart, and say their own number. Prints the first and the last."""

import sqlite3
import sys
import time

file, room, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
database = sqlite3.connect(file, timeout=30)
with database:
    number, head = database.execute("SELECT no, head FROM rooms WHERE id = ?", (room,)).fetchone()
    began = int(time.time() * 1000) - count * 600_000
    database.execute(
        """WITH RECURSIVE n(seq) AS (SELECT ?2 + 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?2 + ?3)
        INSERT INTO entries (room, seq, id, kind, author, at, key, text)
        SELECT ?1, seq, CAST(printf('%016d', seq) AS BLOB), 'message', CASE seq % 2 WHEN 0 THEN 'ben' ELSE 'cem' END,
               ?4 + (seq - ?2) * 600000, printf('filled %06d', seq), 'message ' || seq FROM n""",
        (number, head, count, began),
    )
    # Who is in the room came before all of it.
    database.execute("UPDATE entries SET at = ?3 + (seq - ?2) * 600000 WHERE room = ?1 AND seq <= ?2", (number, head, began))
    database.execute("UPDATE rooms SET head = ?1, last_message = ?1 WHERE no = ?2", (head + count, number))
print(head + 1, head + count)
