package example.teams.support;

import example.teams.Api;
import example.teams.NewChatter;
import example.teams.Said;
import example.teams.Servers;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;

import static example.teams.Servers.until;
import static org.assertj.core.api.Assertions.assertThat;

/** A customer writes in the new chat, and is answered from the application, which is told by webhooks. */
class SupportIT {

    private static Servers servers;

    @BeforeAll
    static void aPortalIsMade() throws Exception {
        servers = Servers.shared();
        servers.sql("UPDATE chat_switch SET mode = 'NEW'");
        var portal = Api.JSON.writeValueAsString(Map.of("id", "support", "outgoing_secret", Servers.WEBHOOK_SECRET,
            "incoming_secret", Servers.ANSWER_SECRET,
            "settings", Map.of("name", "Support", "url", servers.teamsUrl(1) + "/webhooks/hubbub")));
        var made = Api.ask("POST", servers.hubbubUrl(0) + "/v1/portals", portal, "Authorization", "Bearer " + Servers.API_KEY);
        assertThat(made.status()).as(made.body()).isEqualTo(201);
    }

    @Test
    void aCustomerIsAnswered() throws Exception {
        var session = open(0);
        assertThat(open(1)).isEqualTo(session);
        try (var eve = new NewChatter(servers.teamsUrl(0), session, "eve")) {
            var seq = eve.say("Where is my parcel?");
            until("the desk has it", () -> servers.number("SELECT count(*) FROM support_messages WHERE session = '" + session
                + "' AND seq = " + seq + " AND author = 'eve' AND body = 'Where is my parcel?'") == 1);
            // An answer that is sent twice, over two instances, is one.
            for (var instance = 0; instance < 2; instance++) {
                assertThat(Api.as("boss", "POST", servers.teamsUrl(instance) + "/api/support/" + session + "/answers",
                    "{\"text\":\"On its way\"}", "Idempotency-Key", "answer-1").status()).isEqualTo(200);
            }
            var answer = new Said("portal:support/boss", "On its way");
            until("she has the answer", () -> eve.said().contains(answer));
            eve.say("Thanks");
            until("she has all", () -> eve.said().contains(new Said("eve", "Thanks")));
            assertThat(eve.said().stream().filter(answer::equals)).hasSize(1);
        }
        assertThat(Api.as("eve", "POST", servers.teamsUrl(0) + "/api/support/" + session + "/answers", "{\"text\":\"mine\"}",
            "Idempotency-Key", "answer-2").status()).isEqualTo(403);
    }

    @Test
    void aWebhookIsVerifiedAndTakenOnce() throws Exception {
        var now = Instant.now().getEpochSecond();
        var body = "{\"type\":\"message.created\",\"data\":{\"sessionId\":\"tried\",\"seq\":1,\"from\":{\"id\":\"eve\"},\"message\":\"hi\"}}";
        assertThat(webhook(0, Servers.ANSWER_SECRET, "msg_1", now, body)).isEqualTo(401);
        assertThat(webhook(0, Servers.WEBHOOK_SECRET, "msg_1", now - 400, body)).isEqualTo(401);
        assertThat(servers.number("SELECT count(*) FROM webhooks WHERE id = 'msg_1'")).isZero();
        assertThat(webhook(0, Servers.WEBHOOK_SECRET, "msg_1", now, body)).isEqualTo(204);
        assertThat(webhook(1, Servers.WEBHOOK_SECRET, "msg_1", now + 1, body)).isEqualTo(204);   // the next attempt, at another instance
        assertThat(servers.number("SELECT count(*) FROM support_messages WHERE session = 'tried'")).isEqualTo(1);
        assertThat(webhook(0, Servers.WEBHOOK_SECRET, "msg_2", now, "{\"type\":\"message.folded\",\"data\":{}}")).isEqualTo(204);
    }

    private static String open(int instance) throws Exception {
        return Api.as("eve", "POST", servers.teamsUrl(instance) + "/api/support", "").json().get("id").asText();
    }

    private static int webhook(int instance, String secret, String id, long timestamp, String body) throws Exception {
        var signature = new StandardWebhooks(secret).sign(id, timestamp, body.getBytes(StandardCharsets.UTF_8));
        return Api.ask("POST", servers.teamsUrl(instance) + "/webhooks/hubbub", body, "webhook-id", id,
            "webhook-timestamp", Long.toString(timestamp), "webhook-signature", signature).status();
    }
}
