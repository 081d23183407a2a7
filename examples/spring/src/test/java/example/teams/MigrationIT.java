package example.teams;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import static example.teams.Servers.until;
import static org.assertj.core.api.Assertions.assertThat;

/** A team moves from its own chat to Hubbub, step by step: two instances of the application, two of Hubbub, Postgres and Redis. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MigrationIT {

    private static final int HISTORY = 1500;   // more than a page

    private static Servers servers;

    @BeforeAll
    static void theOldChatHasRunForTwoYears() throws Exception {
        servers = Servers.shared();
        servers.sql("INSERT INTO teams (id, name) VALUES ('kitchen', 'Kitchen'), ('garden', 'Garden')");
        servers.sql("INSERT INTO team_members VALUES ('kitchen', 'ana'), ('kitchen', 'ben'), ('garden', 'eve')");
        // Zoe has left since. Several messages have one time.
        servers.sql("INSERT INTO messages (team, author, body, created_at) SELECT 'kitchen', (ARRAY['ana', 'ben', 'zoe'])[1 + n % 3],"
            + " 'old ' || n, now() - interval '2 years' + (n / 3) * interval '1 minute' FROM generate_series(1, " + HISTORY + ") n");
    }

    @Test
    @Order(1)
    void theOldChatTalksOverTwoInstances() throws Exception {
        try (var ana = old(0, "ana"); var ben = old(1, "ben"); var eve = old(0, "eve")) {
            ana.say("only the old chat");
            sees(ben::said, new Said("ana", "only the old chat"));
            assertThat(eve.closed().get(30, TimeUnit.SECONDS)).isEqualTo(1008);   // of another team
        }
        assertThat(Api.as("ana", "GET", servers.teamsUrl(0) + "/api/chat/token", "").status()).isEqualTo(409);
    }

    @Test
    @Order(2)
    void itsHistoryIsImported() throws Exception {
        var lines = servers.psql(Path.of("import.sql").toAbsolutePath());
        try (var ben = old(1, "ben")) {
            ben.say("said while the file is imported");
            until("it is in the table", () -> table("kitchen").contains(new Said("ben", "said while the file is imported")));
        }
        servers.hubbub("import", lines.toString());
        mode("BOTH");

        until("the room is the table", () -> drained() && room("kitchen").equals(table("kitchen")));
        assertThat(table("kitchen")).hasSize(HISTORY + 2);
        assertThat(servers.number("SELECT count(*) FROM messages WHERE hubbub_id IS NULL")).isZero();
        until("rooms follow teams", () -> members("kitchen").equals(List.of("ana", "ben", "bot")));
        until("also where nobody has ever written", () -> members("garden").equals(List.of("bot", "eve")));
    }

    @Test
    @Order(3)
    void bothSeeTheSameRoom() throws Exception {
        try (var old = old(0, "ana"); var fresh = fresh(1, "ben")) {
            old.say("from the old chat");
            sees(fresh::said, new Said("ana", "from the old chat"));
            var seq = fresh.say("from the new chat");
            until("the old chat is told", () -> old.said().contains(new Said("ben", "from the new chat")));
            fresh.rpc("edit", Map.of("target", seq, "text", "from the new chat, edited"));
            until("edits come over", () -> old.said().contains(new Said("ben", "from the new chat, edited")));
            assertThat(old.said()).doesNotContain(new Said("ben", "from the new chat"));
            fresh.rpc("delete", Map.of("target", seq));
            until("deletions, too", () -> old.said().contains(new Said("ben", "(deleted)")));

            // The backend asks twice, at two instances, as it does when an answer is lost.
            for (var instance = 0; instance < 2; instance++) {
                var said = Api.as("boss", "POST", servers.teamsUrl(instance) + "/api/teams/kitchen/announcements",
                    "{\"text\":\"Lunch is ready\"}", "Idempotency-Key", "lunch-1");
                assertThat(said.status()).isEqualTo(200);
            }
            until("both are told", () -> old.said().contains(new Said("bot", "Lunch is ready"))
                && fresh.said().contains(new Said("bot", "Lunch is ready")));
            // Both were asked for everything that came meanwhile; nothing came twice.
            sameAfter("one more");
            until("the new chat is told all of it", () -> fresh.said().size() >= 5);
            assertThat(old.repeats()).isZero();
            assertThat(fresh.said()).doesNotHaveDuplicates().hasSize(5);
            assertThat(table("kitchen").stream().filter(said -> said.author().equals("bot"))).hasSize(1);
        }
    }

    @Test
    @Order(4)
    void whoWritesAndIsGoneIsHeard() throws Exception {
        servers.sql("INSERT INTO messages (team, author, body) VALUES ('kitchen', 'zoe', 'good-bye')");
        until("it is in the room", () -> room("kitchen").contains(new Said("zoe", "good-bye")));
        until("and she is not", () -> !members("kitchen").contains("zoe"));
        Api.as("boss", "PUT", servers.teamsUrl(0) + "/api/teams/kitchen/members/eve", "");
        until("who comes into the team comes into the room", () -> members("kitchen").contains("eve"));
        Api.as("boss", "DELETE", servers.teamsUrl(1) + "/api/teams/kitchen/members/eve", "");
        until("and leaves it", () -> !members("kitchen").contains("eve"));
        sameAfter("after zoe");
    }

    @Test
    @Order(5)
    void aKeyThatLooksLikeOursHidesNothing() throws Exception {
        var forged = 10;
        var next = servers.number("SELECT max(id) FROM messages") + forged;
        try (var ana = fresh(0, "ana"); var old = old(0, "ana")) {
            // Keys of messages that the table is going to have, used by their author for something else.
            for (var ahead = 1; ahead <= forged; ahead++) {
                ana.say("forged " + ahead, "message." + (next + ahead));
            }
            until("the old chat has them", () -> old.said().stream().filter(said -> said.body().startsWith("forged")).count() == forged);
            old.say("refused");
            until("it is refused", () -> servers.number("SELECT count(*) FROM messages WHERE refused LIKE '%conflict%'") == 1);
            for (var n = 0; n < forged; n++) {
                old.say("after the refused one " + n);
            }
            until("the others go on", () -> drained());
        }
        sameAfter("after a forged key");
    }

    @Test
    @Order(6)
    void instancesAreKilledAndNothingIsLostOrTwice() throws Exception {
        var said = new ArrayList<Said>();
        try (var seen = old(1, "ben"); var old = old(1, "ana"); var fresh = fresh(1, "ben"); var other = fresh(0, "ana")) {
            for (var n = 0; n < 200; n++) {
                old.say("o" + n);
                fresh.say("n" + n, "n" + n);
                said.addAll(List.of(new Said("ana", "o" + n), new Said("ben", "n" + n)));
                switch (n) {
                    case 40 -> servers.kill("teams-0");
                    case 80 -> servers.startTeams(0);
                    case 100 -> servers.kill("hubbub-0");
                    case 140 -> servers.startHubbub(0);
                    case 160 -> servers.kill("teams-0");
                    default -> { }
                }
            }
            servers.startTeams(0);
            until("all of it is in both", () -> drained() && new HashSet<>(room("kitchen")).containsAll(said)
                && room("kitchen").equals(table("kitchen")));
            until("the old chat was told all", () -> new HashSet<>(seen.said()).containsAll(said));
            until("the new chat, too, also over the instance that was killed", () -> other.said().containsAll(said));
            assertThat(fresh.said()).doesNotHaveDuplicates();
            assertThat(other.said()).doesNotHaveDuplicates();
        }
        assertThat(room("kitchen").stream().filter(said::contains)).doesNotHaveDuplicates().hasSize(400);
        // What one person wrote stands in the order in which they wrote it.
        for (var author : List.of("ana", "ben")) {
            assertThat(room("kitchen").stream().filter(said::contains).filter(it -> it.author().equals(author)))
                .containsExactlyElementsOf(said.stream().filter(it -> it.author().equals(author)).toList());
        }
    }

    @Test
    @Order(7)
    void anotherEpochIsReadAgainAndNothingIsTwice() throws Exception {
        var before = table("kitchen").size();
        var epoch = servers.text("SELECT epoch FROM room_cursors WHERE team = 'kitchen'");
        servers.hubbub("epoch", "bump");
        until("the cursor is in the new epoch", () -> !servers.text("SELECT epoch FROM room_cursors WHERE team = 'kitchen'").equals(epoch));
        sameAfter("in another epoch");
        assertThat(table("kitchen")).hasSize(before + 2);
    }

    @Test
    @Order(8)
    void theSwitchEndsTheOldChat() throws Exception {
        try (var ana = old(0, "ana"); var ben = old(1, "ben"); var fresh = fresh(1, "ben")) {
            ana.say("the last one");
            until("it is stored", () -> table("kitchen").contains(new Said("ana", "the last one")));
            mode("NEW");
            ana.say("too late");
            assertThat(ana.closed().get(30, TimeUnit.SECONDS)).isEqualTo(4001);
            assertThat(ben.closed().get(30, TimeUnit.SECONDS)).isEqualTo(4001);
            try (var again = old(0, "ana")) {
                assertThat(again.closed().get(30, TimeUnit.SECONDS)).isEqualTo(4001);
            }
            sees(fresh::said, new Said("ana", "the last one"));
            fresh.say("the new chat alone");
        }
        assertThat(table("kitchen")).doesNotContain(new Said("ana", "too late"));
        until("what is said stays in the table, too", () -> room("kitchen").equals(table("kitchen")));

        // So one may go back.
        mode("BOTH");
        try (var ana = old(0, "ana"); var fresh = fresh(1, "ben")) {
            until("the old chat has it", () -> ana.said().contains(new Said("ben", "the new chat alone")));
            ana.say("and goes on");
            sees(fresh::said, new Said("ana", "and goes on"));
        }
        mode("NEW");
    }

    /** Somebody writes in each chat; when both have both, everything before is there, and the same. */
    private static void sameAfter(String text) throws Exception {
        try (var old = old(0, "ana"); var fresh = fresh(1, "ben")) {
            old.say(text + " (old)");
            fresh.say(text + " (new)");
            until("both are in both", () -> {
                var table = table("kitchen");
                return table.contains(new Said("ana", text + " (old)")) && table.contains(new Said("ben", text + " (new)"))
                    && drained() && room("kitchen").equals(table);
            });
        }
    }

    private static void sees(Supplier<List<Said>> who, Said what) throws Exception {
        until("somebody sees " + what, () -> who.get().contains(what));
    }

    private static OldChatter old(int instance, String user) {
        return new OldChatter(servers.teamsUrl(instance), "kitchen", user);
    }

    private static NewChatter fresh(int instance, String user) throws Exception {
        return new NewChatter(servers.teamsUrl(instance), "kitchen", user);
    }

    private static List<Said> room(String room) throws Exception {
        return Api.room(servers.hubbubUrl(1), room);
    }

    /** The old table in the order of the room. What Hubbub has refused is not in it. */
    private static List<Said> table(String team) throws Exception {
        try (var database = servers.database(); var query = database.prepareStatement(
                "SELECT author, body FROM messages WHERE team = ? AND refused IS NULL ORDER BY hubbub_seq, id")) {
            query.setString(1, team);
            var rows = query.executeQuery();
            var said = new ArrayList<Said>();
            while (rows.next()) {
                said.add(new Said(rows.getString(1), rows.getString(2)));
            }
            return said;
        }
    }

    private static boolean drained() throws Exception {
        return servers.number("SELECT count(*) FROM messages WHERE hubbub_id IS NULL AND refused IS NULL") == 0;
    }

    private static List<String> members(String room) throws Exception {
        var answer = Api.ask("GET", servers.hubbubUrl(0) + "/v1/rooms/" + room + "/members", "", "Authorization", "Bearer " + Servers.API_KEY);
        var users = new ArrayList<String>();
        answer.json().path("members").forEach(member -> users.add(member.get("user").asText()));
        return users;
    }

    private static void mode(String mode) throws Exception {
        assertThat(Api.as("boss", "PUT", servers.teamsUrl(0) + "/api/chat/mode/" + mode, "").status()).isEqualTo(204);
    }
}
