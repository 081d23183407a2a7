// Drives the unmodified Java SDK; see ../../../../README.md for the commands. Keep it equal to the other drivers.

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.github.centrifugal.centrifuge.Client;
import io.github.centrifugal.centrifuge.ClientInfo;
import io.github.centrifugal.centrifuge.ConnectedEvent;
import io.github.centrifugal.centrifuge.ConnectingEvent;
import io.github.centrifugal.centrifuge.ConnectionTokenEvent;
import io.github.centrifugal.centrifuge.ConnectionTokenGetter;
import io.github.centrifugal.centrifuge.DisconnectedEvent;
import io.github.centrifugal.centrifuge.ErrorEvent;
import io.github.centrifugal.centrifuge.EventListener;
import io.github.centrifugal.centrifuge.HistoryOptions;
import io.github.centrifugal.centrifuge.HistoryResult;
import io.github.centrifugal.centrifuge.Options;
import io.github.centrifugal.centrifuge.PresenceResult;
import io.github.centrifugal.centrifuge.PublicationEvent;
import io.github.centrifugal.centrifuge.PublishResult;
import io.github.centrifugal.centrifuge.RPCResult;
import io.github.centrifugal.centrifuge.ReplyError;
import io.github.centrifugal.centrifuge.ResultCallback;
import io.github.centrifugal.centrifuge.StreamPosition;
import io.github.centrifugal.centrifuge.SubscribedEvent;
import io.github.centrifugal.centrifuge.Subscription;
import io.github.centrifugal.centrifuge.SubscriptionErrorEvent;
import io.github.centrifugal.centrifuge.SubscriptionEventListener;
import io.github.centrifugal.centrifuge.SubscriptionOptions;
import io.github.centrifugal.centrifuge.TokenCallback;
import io.github.centrifugal.centrifuge.UnsubscribedEvent;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

public final class Driver {
    private static final Gson JSON = new GsonBuilder().serializeNulls().create();

    private static synchronized void tell(String event, Object... more) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", event);
        for (int n = 0; n < more.length; n += 2) {
            line.put((String) more[n], more[n + 1]);
        }
        System.out.println(JSON.toJson(line));
        System.out.flush();
    }

    private static void tellError(String of, Throwable error) {
        int code = error instanceof ReplyError ? ((ReplyError) error).getCode() : 0;
        tell("error", "of", of, "code", code, "message", String.valueOf(error.getMessage()));
    }

    // What the SDK takes and gives are bytes, which hold JSON.
    private static byte[] pack(Object data) {
        return JSON.toJson(data).getBytes(StandardCharsets.UTF_8);
    }

    private static JsonObject unpack(byte[] data) {
        return JSON.fromJson(new String(data, StandardCharsets.UTF_8), JsonObject.class);
    }

    /** One entry as the story wants it: its seq, its id, its text or null. */
    private static List<Object> entry(byte[] data, long offset) {
        JsonObject entry = unpack(data);
        String text = entry.has("text") ? entry.get("text").getAsString() : null;
        return Arrays.asList(offset, entry.get("id").getAsString(), text);
    }

    private final String room;
    private final Client client;
    private final LinkedBlockingQueue<String> tokens = new LinkedBlockingQueue<>();
    private Subscription subscription;

    private final List<List<Object>> log = new ArrayList<>();
    private final Map<String, Integer> counters = new HashMap<>();
    private long top = 0;

    private Driver(Map<String, String> args) {
        room = args.get("room");
        for (String name : List.of("subscribed", "recovered", "not_recovered", "duplicates", "holes")) {
            counters.put(name, 0);
        }
        if (!"websocket+protobuf".equals(args.get("transport"))) {
            throw new IllegalArgumentException("this SDK knows no transport " + args.get("transport"));
        }
        Options options = new Options();
        options.setToken(args.get("token"));
        options.setName(args.get("user"));
        options.setMinReconnectDelay(100);
        options.setMaxReconnectDelay(1000);
        options.setTokenGetter(new ConnectionTokenGetter() {
            @Override
            public void getConnectionToken(ConnectionTokenEvent event, TokenCallback done) {
                tell("token_wanted");
                new Thread(() -> {
                    try {
                        done.Done(null, tokens.take());
                    } catch (InterruptedException error) {
                        done.Done(error, "");
                    }
                }).start();
            }
        });
        client = new Client("ws://" + args.get("addr") + "/connection/websocket", options, new EventListener() {
            @Override
            public void onConnecting(Client client, ConnectingEvent event) {
                tell("connecting", "code", event.getCode(), "reason", event.getReason());
            }

            @Override
            public void onConnected(Client client, ConnectedEvent event) {
                tell("connected", "client", event.getClient(), "transport", "websocket");
            }

            @Override
            public void onDisconnected(Client client, DisconnectedEvent event) {
                tell("disconnected", "code", event.getCode(), "reason", event.getReason());
            }

            @Override
            public void onError(Client client, ErrorEvent event) {
                tellError("client", event.getError());
            }
        });
    }

    private synchronized void count(String name) {
        counters.merge(name, 1, Integer::sum);
    }

    private synchronized void arrived(PublicationEvent event) {
        long offset = event.getOffset();
        if (offset == 0) {
            return;
        }
        log.add(entry(event.getData(), offset));
        if (offset <= top) {
            count("duplicates");
        } else if (log.size() > 1 && offset > top + 1) {
            count("holes");
        }
        top = Math.max(top, offset);
        notifyAll();
    }

    // This version of the SDK cannot say where to begin: it begins at the head.
    private void subscribe() throws Exception {
        SubscriptionOptions options = new SubscriptionOptions();
        options.setRecoverable(true);
        options.setMinResubscribeDelay(100);
        options.setMaxResubscribeDelay(1000);
        subscription = client.newSubscription("room:" + room, options, new SubscriptionEventListener() {
            @Override
            public void onSubscribed(Subscription subscription, SubscribedEvent event) {
                count("subscribed");
                if (event.getRecovered()) {
                    count("recovered");
                } else if (event.wasRecovering()) {
                    count("not_recovered");
                }
                tell("subscribed", "recovered", event.getRecovered(), "was_recovering", event.wasRecovering());
            }

            @Override
            public void onPublication(Subscription subscription, PublicationEvent event) {
                arrived(event);
            }

            @Override
            public void onUnsubscribed(Subscription subscription, UnsubscribedEvent event) {
                tell("unsubscribed", "code", event.getCode(), "reason", event.getReason());
            }

            @Override
            public void onError(Subscription subscription, SubscriptionErrorEvent event) {
                tellError("subscription", event.getError());
            }
        });
        subscription.subscribe();
    }

    private interface Call<T> {
        void with(ResultCallback<T> callback);
    }

    private static <T> T wait(Call<T> call) throws Throwable {
        CompletableFuture<T> done = new CompletableFuture<>();
        call.with((error, result) -> {
            if (error == null) {
                done.complete(result);
            } else {
                done.completeExceptionally(error);
            }
        });
        try {
            return done.get(10, TimeUnit.SECONDS);
        } catch (ExecutionException error) {
            throw error.getCause();
        }
    }

    private void say(int n, String prefix, int window) throws InterruptedException {
        List<List<Object>> acks = new ArrayList<>();
        AtomicInteger retries = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        ExecutorService workers = Executors.newFixedThreadPool(Math.min(window, n));
        for (int number = 1; number <= n; number++) {
            String text = prefix + number;
            String key = UUID.randomUUID().toString();
            workers.submit(() -> {
                byte[] body = pack(Map.of("room", room, "key", key, "text", text));
                while (true) {
                    try {
                        JsonObject place = unpack(Driver.wait((Call<RPCResult>) callback -> client.rpc("send", body, callback)).getData());
                        synchronized (acks) {
                            acks.add(Arrays.asList(place.get("seq").getAsLong(), place.get("id").getAsString(), text));
                        }
                        return null;
                    } catch (ReplyError error) {
                        if (!error.isTemporary()) {
                            refused.incrementAndGet();
                            tellError("send", error);
                            return null;
                        }
                    } catch (Throwable error) {
                        // Timeout, connection closed: whatever kept the answer away.
                    }
                    retries.incrementAndGet();
                    Thread.sleep(100);
                }
            });
        }
        workers.shutdown();
        workers.awaitTermination(1, TimeUnit.HOURS);
        tell("said", "acked", acks.size(), "retries", retries, "refused", refused, "acks", acks);
    }

    // What a call is answered with, or the code it is refused with.
    private static <T> void answered(String event, Call<T> call, Function<T, Object[]> more) {
        try {
            tell(event, more.apply(wait(call)));
        } catch (ReplyError error) {
            tell(event, "code", error.getCode(), "message", error.getMessage());
        } catch (Throwable error) {
            tell(event, "code", 0, "message", String.valueOf(error.getMessage()));
        }
    }

    private void history(JsonObject command) {
        HistoryOptions.Builder options = new HistoryOptions.Builder().withLimit(command.get("limit").getAsInt());
        if (command.has("since")) {
            JsonObject since = command.getAsJsonObject("since");
            options.withSince(new StreamPosition(since.get("offset").getAsLong(), since.get("epoch").getAsString()));
        }
        options.withReverse(command.has("reverse") && command.get("reverse").getAsBoolean());
        Driver.<HistoryResult>answered("history", callback -> subscription.history(options.build(), callback), page -> new Object[] {
            "entries", page.getPublications().stream().map(pub -> entry(pub.getData(), pub.getOffset())).toList(),
            "offset", page.getOffset(),
            "epoch", page.getEpoch(),
        });
    }

    private void obey(JsonObject command) throws Exception {
        switch (command.get("do").getAsString()) {
            case "subscribe" -> subscribe();
            case "say" -> say(
                command.get("n").getAsInt(),
                command.has("prefix") ? command.get("prefix").getAsString() : "",
                command.has("window") ? command.get("window").getAsInt() : 32);
            case "expect" -> {
                long seq = command.get("seq").getAsLong();
                synchronized (this) {
                    while (top < seq) {
                        wait();
                    }
                }
                tell("reached", "seq", seq);
            }
            case "publish" -> Driver.<PublishResult>answered(
                "published", callback -> subscription.publish(pack(command.get("data")), callback), result -> new Object[0]);
            case "history" -> history(command);
            case "presence" -> Driver.<PresenceResult>answered(
                "presence", callback -> subscription.presence(callback), result -> new Object[] {
                    "users", result.getClients().values().stream().map(ClientInfo::getUser).sorted().toList(),
                });
            case "token" -> tokens.put(command.get("token").getAsString());
            case "log" -> {
                synchronized (this) {
                    List<Object> more = new ArrayList<>(List.of("log", log));
                    counters.forEach((name, n) -> more.addAll(List.of(name, n)));
                    tell("log", more.toArray());
                }
            }
            default -> throw new IllegalArgumentException("no such command: " + command);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> args = new HashMap<>(Map.of("transport", "websocket+protobuf"));
        for (int n = 0; n + 1 < arguments.length; n += 2) {
            args.put(arguments[n].substring(2), arguments[n + 1]);
        }
        Driver driver = new Driver(args);
        driver.client.connect();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ExecutorService obeying = Executors.newCachedThreadPool();
        String line;
        while ((line = input.readLine()) != null && !line.contains("\"quit\"")) {
            JsonObject command = JSON.fromJson(line, JsonObject.class);
            // A subscription is there for the commands behind it; others do not wait for each other.
            if ("subscribe".equals(command.get("do").getAsString())) {
                driver.obey(command);
                continue;
            }
            obeying.submit(() -> {
                try {
                    driver.obey(command);
                } catch (Throwable error) {
                    tellError("command", error);
                }
            });
        }
        driver.client.disconnect();
        driver.client.close(2000);
        System.exit(0);
    }
}
