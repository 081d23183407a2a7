package example.teams.hubbub;

import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where Hubbub is, and what is shared with it.
 *
 * @param url           for this backend: http://hubbub:8000
 * @param socket        for browsers: wss://chat.example.com/connection/websocket
 * @param apiKey        opens /v1
 * @param tokenSecret   signs tokens of users, 32 bytes at least
 * @param portal        the portal whose agents answer here
 * @param webhookSecret what Hubbub signs webhooks to us with: whsec_…
 * @param answerSecret  what we sign webhooks to Hubbub with: whsec_…
 */
@ConfigurationProperties("hubbub")
public record HubbubProperties(String url, String socket, String apiKey, String tokenSecret,
                               String portal, String webhookSecret, String answerSecret) {
}
