package example.teams.support;

import com.fasterxml.jackson.databind.ObjectMapper;
import example.teams.hubbub.HubbubProperties;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

import java.io.IOException;
import java.time.Instant;

/** Where Hubbub sends webhooks. Whatever is not answered 2xx comes again, with the same id. */
@RestController
class WebhookController {

    private final StandardWebhooks webhooks;
    private final SupportDesk desk;
    private final ObjectMapper json;

    WebhookController(HubbubProperties hubbub, SupportDesk desk, ObjectMapper json) {
        this.webhooks = new StandardWebhooks(hubbub.webhookSecret());
        this.desk = desk;
        this.json = json;
    }

    /** The body is taken as bytes: what was signed is these, and nothing is read of them before they are verified. */
    @PostMapping("/webhooks/hubbub")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void take(@RequestHeader(StandardWebhooks.ID) String id, @RequestHeader(StandardWebhooks.TIMESTAMP) String timestamp,
              @RequestHeader(StandardWebhooks.SIGNATURE) String signatures, @RequestBody byte[] body) throws IOException {
        if (!webhooks.verifies(id, timestamp, signatures, body, Instant.now())) {
            throw new ResponseStatusException(HttpStatus.UNAUTHORIZED, "not signed by Hubbub, or too long ago");
        }
        desk.take(id, json.readValue(body, SupportDesk.Event.class));
    }
}
