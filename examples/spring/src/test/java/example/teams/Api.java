package example.teams;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Requests to the application, and to Hubbub beside it. */
public final class Api {

    public static final ObjectMapper JSON = new ObjectMapper();
    static final HttpClient HTTP = HttpClient.newHttpClient();

    public record Answer(int status, String body) {

        public JsonNode json() throws Exception {
            return JSON.readTree(body);
        }
    }

    private Api() {
    }

    /** Everybody's password is their name. */
    static String login(String user) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":" + user).getBytes(StandardCharsets.UTF_8));
    }

    public static Answer as(String user, String method, String url, String body, String... headers) throws Exception {
        return ask(method, url, body, with(headers, "Authorization", login(user)));
    }

    public static Answer ask(String method, String url, String body, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body));
        for (var at = 0; at < headers.length; at += 2) {
            request.header(headers[at], headers[at + 1]);
        }
        var answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(answer.statusCode(), answer.body());
    }

    /** What a room of Hubbub says now, all of it. */
    static List<Said> room(String hubbub, String room) throws Exception {
        var said = new ArrayList<Said>();
        for (long after = 0, head = 1; after < head; ) {
            var page = ask("GET", hubbub + "/v1/rooms/" + room + "/messages?limit=1000&after=" + after, "",
                "Authorization", "Bearer " + Servers.API_KEY).json();
            head = page.get("head").asLong();
            after = page.get("entries").isEmpty() ? head : page.get("entries").get(page.get("entries").size() - 1).get("seq").asLong();
            for (var entry : page.get("entries")) {
                if (entry.get("type").asText().equals("message")) {
                    var gone = entry.path("gone").asBoolean();
                    said.add(new Said(entry.get("from").asText(), gone ? "(deleted)" : entry.get("text").asText()));
                }
            }
        }
        return said;
    }

    private static String[] with(String[] headers, String name, String value) {
        var all = new ArrayList<>(List.of(headers));
        all.addAll(List.of(name, value));
        return all.toArray(String[]::new);
    }
}
