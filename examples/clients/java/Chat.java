// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md.
//   mvn -q compile exec:java      (JDK 17 or newer, beside `make run`)

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.github.centrifugal.centrifuge.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;

public final class Chat {
    static final String SERVER = setting("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket");
    // In production this is your own backend, which knows who is signed in.
    static final String TOKENS = setting("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana");
    static final String ROOM = setting("CHAT_ROOM", "general");
    static final Gson JSON = new Gson();
    static final HttpClient HTTP = HttpClient.newHttpClient();

    static String setting(String name, String usual) {
        return System.getenv().getOrDefault(name, usual);
    }

    static void show(JsonObject entry) {
        String text = (entry.has("text") ? entry.get("text") : entry.get("type")).getAsString();
        System.out.println(entry.get("seq") + " " + entry.get("from").getAsString() + ": " + text);
    }

    static void note(String text) {
        System.err.println("(" + text + ")");
    }

    static JsonObject read(byte[] data) {
        return JSON.fromJson(new String(data, StandardCharsets.UTF_8), JsonObject.class);
    }

    // 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
    static final class Tokens extends ConnectionTokenGetter {
        @Override
        public void getConnectionToken(ConnectionTokenEvent event, TokenCallback done) {
            HttpRequest asked = HttpRequest.newBuilder(URI.create(TOKENS)).timeout(Duration.ofSeconds(5)).build();
            HTTP.sendAsync(asked, HttpResponse.BodyHandlers.ofByteArray()).whenComplete((answer, problem) -> {
                if (problem != null) {
                    done.Done(problem, ""); // tried again
                } else if (answer.statusCode() == 401 || answer.statusCode() == 403) {
                    done.Done(new UnauthorizedException(), ""); // signed out: ends it
                } else if (answer.statusCode() != 200) {
                    done.Done(new IllegalStateException("no token: " + answer.statusCode()), "");
                } else {
                    done.Done(null, read(answer.body()).get("token").getAsString());
                }
            });
        }
    }

    static final class Connection extends EventListener {
        @Override
        public void onConnecting(Client client, ConnectingEvent event) {
            note("connecting: " + event.getCode() + " " + event.getReason());
        }

        @Override
        public void onDisconnected(Client client, DisconnectedEvent event) {
            note("offline: " + event.getCode() + " " + event.getReason());
        }
    }

    static CompletableFuture<JsonObject> call(Client client, String method, Map<String, Object> asked) {
        CompletableFuture<JsonObject> answer = new CompletableFuture<>();
        client.rpc(method, JSON.toJson(asked).getBytes(StandardCharsets.UTF_8), (problem, result) -> {
            if (problem != null) {
                answer.completeExceptionally(problem);
            } else if (result.getError() != null) {
                answer.completeExceptionally(result.getError());
            } else {
                answer.complete(read(result.getData()));
            }
        });
        return answer;
    }

    // 2. Subscribe with recovery. This version of the SDK cannot begin at a position, so it begins at the head of the log; the page is
    // what lies before it, and live entries wait until that is shown. The same again where it is not recovered (a restored backup): then
    // the page takes the place of all that is shown. After a lost connection it is recovered, and whatever was missed follows.
    static final class Room extends SubscriptionEventListener {
        private final Client client;
        private Queue<JsonObject> early = new ArrayDeque<>(); // null once the page is shown

        Room(Client client) {
            this.client = client;
        }

        @Override
        public void onSubscribed(Subscription subscription, SubscribedEvent event) {
            Queue<JsonObject> waiting;
            synchronized (this) {
                if (event.getRecovered() && early == null) {
                    return;
                }
                waiting = early = new ArrayDeque<>();
            }
            // A position of this SDK does not tell its offset: the page tells by `as_of` how far it goes.
            call(client, "messages", Map.of("room", ROOM, "limit", 50)).whenComplete((page, problem) -> {
                synchronized (this) {
                    if (waiting != early) {
                        return; // subscribed again meanwhile: that page counts
                    }
                    if (problem != null) {
                        note("no page: " + problem.getMessage());
                        subscription.unsubscribe();
                        subscription.subscribe();
                        return;
                    }
                    for (JsonElement entry : page.getAsJsonArray("entries")) {
                        show(entry.getAsJsonObject());
                    }
                    long shown = page.get("as_of").getAsLong();
                    waiting.stream().filter(entry -> entry.get("seq").getAsLong() > shown).forEach(Chat::show);
                    early = null;
                }
            });
        }

        @Override
        public synchronized void onPublication(Subscription subscription, PublicationEvent event) {
            JsonObject entry = read(event.getData());
            if (early == null) {
                show(entry);
            } else {
                early.add(entry);
            }
        }

        @Override
        public void onError(Subscription subscription, SubscriptionErrorEvent event) {
            note("not subscribed yet: " + event.getError().getMessage());
        }

        @Override
        public void onUnsubscribed(Subscription subscription, UnsubscribedEvent event) {
            note("out of the room: " + event.getCode() + " " + event.getReason());
        }
    }

    // 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
    static void sendAll(Client client, LinkedBlockingQueue<String> outbox) {
        try {
            while (true) {
                String text = outbox.take();
                String key = UUID.randomUUID().toString();
                while (true) {
                    try {
                        JsonObject sent = call(client, "send", Map.of("room", ROOM, "key", key, "text", text)).get();
                        note("stored as " + sent.get("seq"));
                        break;
                    } catch (ExecutionException error) {
                        // The server has said it; everything else is an answer that did not come.
                        if (error.getCause() instanceof ReplyError said && !said.isTemporary()) {
                            note("refused: " + said.getCode() + " " + said.getMessage());
                            break;
                        }
                        Thread.sleep(300 + ThreadLocalRandom.current().nextInt(700));
                    }
                }
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    // 4. Background and return: the same client and the same subscription, which goes on where it was.
    public static void main(String[] args) throws Exception {
        Options options = new Options();
        options.setTokenGetter(new Tokens());
        Client client = new Client(SERVER, options, new Connection());
        SubscriptionOptions recoverable = new SubscriptionOptions();
        recoverable.setRecoverable(true);
        client.newSubscription("room:" + ROOM, recoverable, new Room(client)).subscribe();
        client.connect();
        LinkedBlockingQueue<String> outbox = new LinkedBlockingQueue<>();
        Thread sender = new Thread(() -> sendAll(client, outbox));
        sender.setDaemon(true);
        sender.start();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            switch (line) {
                case "" -> {}
                case "/away" -> client.disconnect();
                case "/back" -> client.connect();
                default -> outbox.add(line);
            }
        }
        System.exit(0);
    }
}
