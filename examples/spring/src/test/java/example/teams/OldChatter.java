package example.teams;

import java.net.URI;
import java.net.http.WebSocket;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Somebody in the old chat: keeps what was said by its id, as its page does. */
public final class OldChatter implements WebSocket.Listener, AutoCloseable {

    private final Map<Long, Said> said = new LinkedHashMap<>();
    private final CompletableFuture<Integer> closed = new CompletableFuture<>();
    private final StringBuilder part = new StringBuilder();
    private final WebSocket socket;
    private int repeats;

    OldChatter(String teams, String team, String user) {
        socket = Api.HTTP.newWebSocketBuilder().header("Authorization", Api.login(user))
            .buildAsync(URI.create(teams.replace("http", "ws") + "/old-chat/" + team), this).join();
    }

    /** As the old page does: nothing tells whether it arrived. */
    void say(String body) throws Exception {
        socket.sendText(Api.JSON.writeValueAsString(Map.of("body", body)), true).handle((sent, gone) -> null).join();
    }

    synchronized List<Said> said() {
        return List.copyOf(said.values());
    }

    synchronized int repeats() {
        return repeats;
    }

    /** The code with which the server closed. */
    CompletableFuture<Integer> closed() {
        return closed;
    }

    @Override
    public synchronized CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        part.append(data);
        if (last) {
            try {
                var message = Api.JSON.readTree(part.toString());
                part.setLength(0);
                if (!message.has("error")) {
                    var now = new Said(message.get("author").asText(), message.get("body").asText());
                    repeats += now.equals(said.put(message.get("id").asLong(), now)) ? 1 : 0;
                }
            } catch (Exception broken) {
                throw new AssertionError(broken);
            }
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        closed.complete(code);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        closed.complete(1006);
    }

    @Override
    public void close() {
        socket.abort();
    }
}
