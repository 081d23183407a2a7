package example.teams;

import org.springframework.util.FileSystemUtils;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Postgres, Redis, two instances of Hubbub and two of the application, as processes of their own in a temporary directory. */
public final class Servers {

    public static final String API_KEY = "an-api-key-of-the-tests-and-no-other";
    private static final String TOKEN_SECRET = "a-token-secret-of-the-tests-and-no-other";
    public static final String WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    public static final String ANSWER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    private static final Duration PATIENCE = Duration.ofSeconds(240);   // for machines that do much else

    private final Path directory;
    private final Map<String, Process> processes = new ConcurrentHashMap<>();
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final String hubbub = System.getProperty("hubbub.program");
    private final String jar = System.getProperty("teams.jar");
    private final int postgres = freePort();
    private final int redis = freePort();
    private final int[] hubbubs = {freePort(), freePort()};
    private final int[] teams = {freePort(), freePort()};

    private static Servers shared;

    /** Those that all tests share, with some people; ended with this process. */
    public static synchronized Servers shared() throws Exception {
        if (shared == null) {
            shared = new Servers();
            shared.startTeams(0);
            shared.startTeams(1);
            shared.startHubbub(0);
            shared.startHubbub(1);
            shared.sql("INSERT INTO users SELECT name, '{noop}' || name, initcap(name), name = 'boss'"
                + " FROM unnest(ARRAY['boss', 'ana', 'ben', 'eve']) name");
        }
        return shared;
    }

    private Servers() throws Exception {
        directory = Files.createTempDirectory("teams", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Runtime.getRuntime().addShutdownHook(new Thread(this::end));
        startPostgres();
        start("redis", Map.of(), "redis-server", "--port", "" + redis, "--save", "", "--dir", directory.toString());
        until("Redis listens", () -> listens(redis));
    }

    /** Postgres refuses to run as root. */
    private void startPostgres() throws Exception {
        var bin = newestPostgres();
        var data = Files.createDirectory(directory.resolve("postgres"));
        var as = new ArrayList<String>();
        if (System.getProperty("user.name").equals("root")) {
            run(Map.of(), "chown", "postgres", data.toString());
            as.addAll(List.of("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"));
        }
        run(Map.of(), with(as, bin + "initdb", "-D", data.toString(), "-U", "teams", "--auth=trust", "--encoding=UTF8", "--locale=C"));
        start("postgres", Map.of(), with(as, bin + "postgres", "-D", data.toString(), "-p", "" + postgres,
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="));
        until("Postgres answers", () -> {
            try (var ignored = DriverManager.getConnection(jdbc("postgres"), "teams", "")) {
                return true;
            } catch (SQLException notYet) {
                return false;
            }
        });
        try (var connection = DriverManager.getConnection(jdbc("postgres"), "teams", ""); var statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE teams");
        }
    }

    /** Starts Hubbub's instance 0 or 1, and waits until it is ready. */
    public void startHubbub(int instance) throws Exception {
        start("hubbub-" + instance, hubbubSettings(), hubbub, "serve", "--listen", "127.0.0.1:" + hubbubs[instance],
            "--bus", "redis://127.0.0.1:" + redis, "--portal-allow", "127.0.0.1");
        answers("hubbub-" + instance, hubbubUrl(instance) + "/health/ready", 200);
    }

    /** Runs another command of Hubbub on the same store. */
    public void hubbub(String... arguments) throws Exception {
        run(hubbubSettings(), with(List.of(hubbub), arguments));
    }

    private Map<String, String> hubbubSettings() {
        return Map.of("HUBBUB_STORE", store(), "HUBBUB_API_KEY", API_KEY,
            "HUBBUB_TOKEN_SECRET", TOKEN_SECRET, "HUBBUB_LOG", "warn");
    }

    /** Starts the application's instance 0 or 1, each with an instance of Hubbub of its own, and waits until it answers. */
    public void startTeams(int instance) throws Exception {
        var settings = Map.of(
            "SERVER_PORT", "" + teams[instance],
            "SPRING_DATASOURCE_URL", jdbc("teams"),
            "SPRING_DATA_REDIS_URL", "redis://127.0.0.1:" + redis,
            "HUBBUB_URL", hubbubUrl(instance),
            "HUBBUB_SOCKET", hubbubUrl(instance).replace("http", "ws") + "/connection/websocket",
            "HUBBUB_APIKEY", API_KEY,
            "HUBBUB_TOKENSECRET", TOKEN_SECRET,
            "HUBBUB_WEBHOOKSECRET", WEBHOOK_SECRET,
            "HUBBUB_ANSWERSECRET", ANSWER_SECRET);
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        start("teams-" + instance, settings, java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", jar);
        answers("teams-" + instance, teamsUrl(instance) + "/api/chat/mode", 401);
    }

    /** Where both keep their tables: Hubbub in a schema of its own. */
    String store() {
        return "postgres://teams@127.0.0.1:" + postgres + "/teams";
    }

    public String hubbubUrl(int instance) {
        return "http://127.0.0.1:" + hubbubs[instance];
    }

    public String teamsUrl(int instance) {
        return "http://127.0.0.1:" + teams[instance];
    }

    private String jdbc(String database) {
        return "jdbc:postgresql://127.0.0.1:" + postgres + "/" + database;
    }

    Connection database() throws SQLException {
        return DriverManager.getConnection(jdbc("teams"), "teams", "");
    }

    public void sql(String statement) throws SQLException {
        try (var database = database(); var run = database.createStatement()) {
            run.execute(statement);
        }
    }

    String text(String query) throws SQLException {
        try (var database = database(); var run = database.createStatement(); var rows = run.executeQuery(query)) {
            rows.next();
            return rows.getString(1);
        }
    }

    public long number(String query) throws SQLException {
        return Long.parseLong(text(query));
    }

    /** As an operator would: the lines of a statement, by psql, into a file. */
    public Path psql(Path statement) throws Exception {
        var lines = directory.resolve("chat.ndjson");
        run(Map.of(), "psql", "-X", "-At", "-h", "127.0.0.1", "-p", "" + postgres, "-U", "teams", "-d", "teams",
            "-f", statement.toString(), "-o", lines.toString());
        return lines;
    }

    /** kill -9. */
    public void kill(String name) throws InterruptedException {
        var process = processes.remove(name);
        process.destroyForcibly();
        process.waitFor();
    }

    /** Waits for something that becomes true. */
    public static void until(String what, Check check) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!check.holds()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + PATIENCE.toSeconds() + " s: " + what);
            }
            Thread.sleep(50);
        }
    }

    public interface Check {
        boolean holds() throws Exception;
    }

    private void answers(String name, String url, int status) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(5)).build();
        try {
            until(name + " answers", () -> {
                if (!processes.get(name).isAlive()) {
                    throw new AssertionError(name + " has ended");
                }
                try {
                    return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == status;
                } catch (IOException notYet) {
                    return false;
                }
            });
        } catch (AssertionError failed) {
            throw new AssertionError(failed.getMessage() + ":\n" + Files.readString(log(name)), failed);
        }
    }

    private static boolean listens(int port) {
        try (var socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    private Path log(String name) {
        return directory.resolve(name + ".log");
    }

    private void start(String name, Map<String, String> settings, String... command) throws IOException {
        processes.put(name, process(name, settings, command));
    }

    private void run(Map<String, String> settings, String... command) throws Exception {
        var name = Path.of(command[0]).getFileName().toString();
        if (process(name, settings, command).waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", command) + ":\n" + Files.readString(log(name)));
        }
    }

    private Process process(String name, Map<String, String> settings, String... command) throws IOException {
        var builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log(name).toFile()));
        builder.environment().putAll(settings);
        return builder.start();
    }

    private static String[] with(List<String> first, String... more) {
        var all = new ArrayList<>(first);
        all.addAll(Arrays.asList(more));
        return all.toArray(String[]::new);
    }

    /** Debian's servers are not on the path. */
    private static String newestPostgres() throws IOException {
        var debian = Path.of("/usr/lib/postgresql");
        if (!Files.isDirectory(debian)) {
            return "";
        }
        try (var versions = Files.list(debian)) {
            return versions.max(Comparator.comparing(path -> Integer.parseInt(path.getFileName().toString())))
                .orElseThrow().resolve("bin") + "/";
        }
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException none) {
            throw new IllegalStateException(none);
        }
    }

    private void end() {
        processes.values().forEach(Process::destroyForcibly);
        try {
            for (var process : processes.values()) {
                process.waitFor();
            }
            FileSystemUtils.deleteRecursively(directory);
        } catch (IOException | InterruptedException left) {
            System.err.println(directory + " is left: " + left);
        }
    }
}
