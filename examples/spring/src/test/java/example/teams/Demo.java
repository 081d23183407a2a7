package example.teams;

/** The servers of the tests with a team in its old chat, to try by hand. */
public final class Demo {

    private Demo() {
    }

    public static void main(String[] args) throws Exception {
        System.out.println("Starting Postgres, Redis, two of Hubbub, two of the application …");
        var servers = Servers.shared();
        servers.sql("INSERT INTO teams (id, name) VALUES ('kitchen', 'Kitchen')");
        servers.sql("INSERT INTO team_members VALUES ('kitchen', 'ana'), ('kitchen', 'ben')");
        servers.sql("INSERT INTO messages (team, author, body, created_at) VALUES ('kitchen', 'ana', 'Who cooks?', now() - interval '1 year'),"
            + " ('kitchen', 'ben', 'I do', now() - interval '1 year')");
        System.out.printf("""

            The application: %1$s and %2$s    (boss, ana, ben, eve; passwords are their names; boss is an admin)
            Hubbub:          %3$s and %4$s
            Postgres:        %5$s

            The old chat's socket of a team:  %6$s/old-chat/kitchen

            In examples/spring, step by step:

            psql -X -At '%5$s' -f import.sql -o chat.ndjson
            %7$s import chat.ndjson --store '%5$s'
            curl -u boss:boss -X PUT %1$s/api/chat/mode/BOTH
            curl -u ana:ana %2$s/api/chat/token
            curl -u boss:boss -H 'Content-Type: application/json' -H 'Idempotency-Key: 1' -d '{"text":"Lunch is ready"}' \\
                 %1$s/api/teams/kitchen/announcements
            curl -H 'Authorization: Bearer %8$s' %3$s/v1/rooms/kitchen/messages
            psql '%5$s' -c 'SELECT * FROM messages ORDER BY hubbub_seq'
            curl -u boss:boss -X PUT %1$s/api/chat/mode/NEW

            Ctrl-C ends all of it.
            """, servers.teamsUrl(0), servers.teamsUrl(1), servers.hubbubUrl(0), servers.hubbubUrl(1), servers.store(),
            servers.teamsUrl(0).replace("http", "ws"), System.getProperty("hubbub.program"), Servers.API_KEY);
        Thread.currentThread().join();
    }
}
