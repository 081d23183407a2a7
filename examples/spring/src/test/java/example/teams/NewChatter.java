package example.teams;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.centrifugal.centrifuge.Client;
import io.github.centrifugal.centrifuge.ConnectionTokenEvent;
import io.github.centrifugal.centrifuge.ConnectionTokenGetter;
import io.github.centrifugal.centrifuge.EventListener;
import io.github.centrifugal.centrifuge.Options;
import io.github.centrifugal.centrifuge.PublicationEvent;
import io.github.centrifugal.centrifuge.RPCResult;
import io.github.centrifugal.centrifuge.SubscribedEvent;
import io.github.centrifugal.centrifuge.Subscription;
import io.github.centrifugal.centrifuge.SubscriptionEventListener;
import io.github.centrifugal.centrifuge.TokenCallback;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Somebody in the new chat, with the official SDK and a token of the application's. What came live, in order. */
public final class NewChatter implements AutoCloseable {

    private final List<Said> said = new ArrayList<>();
    private final CompletableFuture<Void> subscribed = new CompletableFuture<>();
    private final String room;
    private final Client client;

    /** @param teams the instance of the application that is asked for tokens and for Hubbub's address */
    public NewChatter(String teams, String room, String user) throws Exception {
        this.room = room;
        var options = new Options();
        options.setMinReconnectDelay(100);
        options.setMaxReconnectDelay(500);
        options.setTokenGetter(new ConnectionTokenGetter() {
            @Override
            public void getConnectionToken(ConnectionTokenEvent event, TokenCallback done) {
                try {
                    done.Done(null, token(teams, user).get("token").asText());
                } catch (Exception later) {
                    done.Done(later, "");
                }
            }
        });
        client = new Client(token(teams, user).get("socket").asText(), options, new EventListener() { });
        client.newSubscription("room:" + room, new SubscriptionEventListener() {
            @Override
            public void onSubscribed(Subscription subscription, SubscribedEvent event) {
                subscribed.complete(null);
            }

            @Override
            public void onPublication(Subscription subscription, PublicationEvent event) {
                keep(event.getData());
            }
        }).subscribe();
        client.connect();
        subscribed.get(30, TimeUnit.SECONDS);
    }

    private static JsonNode token(String teams, String user) throws Exception {
        var answer = Api.as(user, "GET", teams + "/api/chat/token", "");
        if (answer.status() != 200) {
            throw new IllegalStateException("no token: " + answer);
        }
        return answer.json();
    }

    private synchronized void keep(byte[] data) {
        try {
            var entry = Api.JSON.readTree(data);
            if (entry.get("type").asText().equals("message")) {
                said.add(new Said(entry.get("from").asText(), entry.get("text").asText()));
            }
        } catch (Exception broken) {
            throw new AssertionError(broken);
        }
    }

    public synchronized List<Said> said() {
        return List.copyOf(said);
    }

    public long say(String text) throws Exception {
        return say(text, UUID.randomUUID().toString());
    }

    /** Sends until there is an answer, with one key; returns the message's number. */
    public long say(String text, String key) throws Exception {
        return rpc("send", Map.of("text", text, "key", key));
    }

    /** Calls a method in the room. */
    long rpc(String method, Map<String, Object> more) throws Exception {
        var data = new HashMap<>(more);
        data.put("room", room);
        var body = Api.JSON.writeValueAsBytes(data);
        for (var attempt = 0; ; attempt++) {
            var done = new CompletableFuture<RPCResult>();
            client.rpc(method, body, (error, result) -> {
                if (error == null) {
                    done.complete(result);
                } else {
                    done.completeExceptionally(error);
                }
            });
            try {
                return Api.JSON.readTree(done.get(10, TimeUnit.SECONDS).getData()).path("seq").asLong();
            } catch (Exception lost) {
                if (attempt == 30 || !data.containsKey("key")) {
                    throw lost;
                }
                Thread.sleep(100);
            }
        }
    }

    @Override
    public void close() throws Exception {
        client.close(1000);
    }
}
