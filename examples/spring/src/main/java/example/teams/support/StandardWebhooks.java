package example.teams.support;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;

/** Signatures as <a href="https://www.standardwebhooks.com">Standard Webhooks</a> says: HMAC-SHA256 over id, timestamp and bytes. */
class StandardWebhooks {

    static final String ID = "webhook-id";
    static final String TIMESTAMP = "webhook-timestamp";
    static final String SIGNATURE = "webhook-signature";

    private static final Duration TOLERANCE = Duration.ofMinutes(5);
    private static final String VERSION = "v1,";

    private final SecretKeySpec key;

    /** @param secret {@code whsec_} and base64 */
    StandardWebhooks(String secret) {
        if (secret == null || !secret.startsWith("whsec_")) {
            throw new IllegalArgumentException("a secret of Standard Webhooks begins with whsec_");
        }
        key = new SecretKeySpec(Base64.getDecoder().decode(secret.strip().substring("whsec_".length())), "HmacSHA256");
    }

    String sign(String id, long timestamp, byte[] body) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            return VERSION + Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Whether this came from who has the secret, lately. While a secret is replaced there are several signatures; one will do. */
    boolean verifies(String id, String timestamp, String signatures, byte[] body, Instant now) {
        long seconds;
        try {
            seconds = Long.parseLong(timestamp);
        } catch (NumberFormatException no) {
            return false;
        }
        if (Math.abs(now.getEpochSecond() - seconds) > TOLERANCE.toSeconds()) {
            return false;
        }
        var expected = sign(id, seconds, body).getBytes(StandardCharsets.UTF_8);
        var found = false;
        for (var signature : signatures.split(" ")) {
            found |= MessageDigest.isEqual(expected, signature.getBytes(StandardCharsets.UTF_8));
        }
        return found;
    }
}
