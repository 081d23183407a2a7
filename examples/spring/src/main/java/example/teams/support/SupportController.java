package example.teams.support;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import example.teams.hubbub.HubbubProperties;
import hubbub.api.SessionsApi;
import hubbub.model.NewSession;
import org.springframework.http.MediaType;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

import java.security.Principal;
import java.time.Instant;
import java.util.Map;

/** Support chat: a customer opens a session and writes in its room; staff answer here, by a webhook to Hubbub. */
@RestController
@RequestMapping("/api/support")
class SupportController {

    record Session(String id) {
    }

    record Answer(String text) {
    }

    private final SessionsApi sessions;
    private final HubbubProperties hubbub;
    private final StandardWebhooks webhooks;
    private final RestClient http;
    private final ObjectMapper json;

    SupportController(SessionsApi sessions, HubbubProperties hubbub, ClientHttpRequestFactory requests, ObjectMapper json) {
        this.sessions = sessions;
        this.hubbub = hubbub;
        this.webhooks = new StandardWebhooks(hubbub.answerSecret());
        this.http = RestClient.builder().requestFactory(requests).baseUrl(hubbub.url()).build();
        this.json = json;
    }

    /** The customer's one session: the same each time. Its id is that of the room to follow and write in. */
    @PostMapping
    Session open(Principal customer) {
        return new Session(sessions.openSession(new NewSession().portal(hubbub.portal()).customer(customer.getName())).getId());
    }

    /** The caller's key is the message's id, by which Hubbub knows a repeat. */
    @PostMapping("/{session}/answers")
    @PreAuthorize("hasRole('ADMIN')")
    void answer(@PathVariable String session, Principal agent, @RequestHeader("Idempotency-Key") String key,
                @RequestBody Answer answer) throws JsonProcessingException {
        var body = json.writeValueAsBytes(Map.of(
            "sessionId", session, "message", answer.text(), "messageId", key, "agent", agent.getName()));
        var now = Instant.now().getEpochSecond();
        http.post().uri("/hooks/{portal}", hubbub.portal())
            .contentType(MediaType.APPLICATION_JSON)
            .header(StandardWebhooks.ID, key)
            .header(StandardWebhooks.TIMESTAMP, Long.toString(now))
            .header(StandardWebhooks.SIGNATURE, webhooks.sign(key, now, body))
            .body(body).retrieve().toBodilessEntity();
    }
}
