package example.teams.migration;

import hubbub.model.Entry;
import org.springframework.dao.OptimisticLockingFailureException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The bridge's side of the old table. What tells a message in both chats is its id in Hubbub, kept in {@code hubbub_id}. */
@Component
class BridgeStore {

    /** The key under which a message of the table is sent, and was imported: so it is in Hubbub once, however it came there. */
    static String key(long id) {
        return "message." + id;
    }

    private static final Pattern KEY = Pattern.compile("message\\.(\\d{1,18})");

    /** How far a room has been read. */
    record Cursor(String team, String epoch, long seq, long version) {

        boolean isAt(String itsEpoch, long head) {
            return epoch.equals(itsEpoch) && seq >= head;
        }

        /** Numbers of another epoch mean nothing: then from the beginning, and what is known already changes nothing. */
        long after(String itsEpoch) {
            return epoch.equals(itsEpoch) ? seq : 0;
        }
    }

    record Unsent(long id, String team, String author, String body) {
    }

    private final JdbcClient jdbc;

    BridgeStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    Map<String, Cursor> cursors() {
        return jdbc.sql("""
                SELECT id AS team, coalesce(epoch, '') AS epoch, coalesce(seq, 0) AS seq, coalesce(c.version, 0) AS version
                FROM teams LEFT JOIN room_cursors c ON c.team = teams.id""")
            .query(Cursor.class).list().stream().collect(Collectors.toMap(Cursor::team, Function.identity()));
    }

    /**
     * Takes a page of a room's log into the table, and moves the cursor in the same transaction. Of two instances with the same page
     * one moves the cursor; the other gets an {@link OptimisticLockingFailureException} and has done nothing.
     */
    @Transactional
    Cursor take(Cursor cursor, String epoch, List<Entry> page) {
        var seq = page.get(page.size() - 1).getSeq();
        jdbc.sql("INSERT INTO room_cursors (team) VALUES (?) ON CONFLICT DO NOTHING").param(cursor.team()).update();
        var moved = jdbc.sql("UPDATE room_cursors SET epoch = ?, seq = ?, version = version + 1 WHERE team = ? AND version = ?")
            .params(epoch, seq, cursor.team(), cursor.version()).update();
        if (moved == 0) {
            throw new OptimisticLockingFailureException("another instance has read this page");
        }
        for (var entry : page) {
            switch (entry.getType()) {
                case "message" -> message(cursor.team(), entry);
                case "edited" -> change(cursor.team(), entry.getTarget(), text(entry));
                case "deleted" -> change(cursor.team(), entry.getTarget(), "(deleted)");
                default -> { }   // the old chat knows no reactions, pins or members
            }
        }
        return new Cursor(cursor.team(), epoch, seq, cursor.version() + 1);
    }

    private void message(String team, Entry entry) {
        var id = UUID.fromString(entry.getId());
        var known = jdbc.sql("UPDATE messages SET hubbub_seq = ? WHERE hubbub_id = ?").params(entry.getSeq(), id).update() > 0;
        if (!known && !isOurs(team, entry, id)) {
            jdbc.sql("""
                    INSERT INTO messages (team, author, body, created_at, hubbub_id, hubbub_seq, to_tell)
                    VALUES (?, ?, ?, ?, ?, ?, true)""")
                .params(team, entry.getFrom(), text(entry), entry.getAt(), id, entry.getSeq()).update();
        }
    }

    /** Clients choose keys, too: what has one like ours is ours only if the table has this very message of this author. */
    private boolean isOurs(String team, Entry entry, UUID id) {
        var key = KEY.matcher(entry.getKey());
        return key.matches() && jdbc.sql("""
                UPDATE messages SET hubbub_id = ?, hubbub_seq = ?
                WHERE id = ? AND team = ? AND author = ? AND (body = ? OR ?) AND coalesce(hubbub_id, ?) = ?""")
            .params(id, entry.getSeq(), Long.parseLong(key.group(1)), team, entry.getFrom(), text(entry), isGone(entry), id, id)
            .update() > 0;
    }

    private void change(String team, Long target, String body) {
        jdbc.sql("UPDATE messages SET body = ?, to_tell = true WHERE team = ? AND hubbub_seq = ? AND body <> ?")
            .params(body, team, target, body).update();
    }

    private static String text(Entry entry) {
        return isGone(entry) ? "(deleted)" : Objects.requireNonNullElse(entry.getText(), "(attachment)");
    }

    private static boolean isGone(Entry entry) {
        return Boolean.TRUE.equals(entry.getGone());
    }

    /** Keeps where a message of the table is in Hubbub. */
    void sent(long id, String hubbubId, long seq) {
        jdbc.sql("UPDATE messages SET hubbub_id = ?, hubbub_seq = ? WHERE id = ? AND hubbub_id IS NULL")
            .params(UUID.fromString(hubbubId), seq, id).update();
    }

    /** The room of a team has to be looked at again. */
    void roomDue(String team) {
        jdbc.sql("UPDATE teams SET room_due = true, version = version + 1 WHERE id = ?").param(team).update();
    }

    List<String> teamsToSend() {
        return jdbc.sql("SELECT DISTINCT team FROM messages WHERE hubbub_id IS NULL AND refused IS NULL")
            .query(String.class).list();
    }

    List<Unsent> toSend(String team) {
        return jdbc.sql("""
                SELECT id, team, author, body FROM messages
                WHERE team = ? AND hubbub_id IS NULL AND refused IS NULL ORDER BY id LIMIT 100""")
            .param(team).query(Unsent.class).list();
    }

    void refused(long id, String why) {
        jdbc.sql("UPDATE messages SET refused = ? WHERE id = ? AND hubbub_id IS NULL").params(why, id).update();
    }

    long countToSend() {
        return jdbc.sql("SELECT count(*) FROM messages WHERE hubbub_id IS NULL AND refused IS NULL").query(Long.class).single();
    }

    long countRefused() {
        return jdbc.sql("SELECT count(*) FROM messages WHERE refused IS NOT NULL").query(Long.class).single();
    }
}
