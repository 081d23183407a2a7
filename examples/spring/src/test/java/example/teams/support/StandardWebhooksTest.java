package example.teams.support;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;

class StandardWebhooksTest {

    // The example of the specification.
    private static final String ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private static final String SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    private static final byte[] BODY = "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8);
    private static final Instant THEN = Instant.ofEpochSecond(1614265330);

    private final StandardWebhooks webhooks = new StandardWebhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    @Test
    void signsAsTheSpecificationDoes() {
        assertThat(webhooks.sign(ID, 1614265330, BODY)).isEqualTo(SIGNATURE);
    }

    @Test
    void oneOfSeveralSignaturesWillDo() {
        assertThat(webhooks.verifies(ID, "1614265330", "v1,b2xk " + SIGNATURE, BODY, THEN)).isTrue();
    }

    @Test
    void takesNothingThatIsNotAsItWasSigned() {
        var other = "{\"test\": 2432232315}".getBytes(StandardCharsets.UTF_8);
        assertThat(webhooks.verifies(ID, "1614265330", SIGNATURE, other, THEN)).isFalse();
        assertThat(webhooks.verifies("msg_other", "1614265330", SIGNATURE, BODY, THEN)).isFalse();
        assertThat(webhooks.verifies(ID, "1614265331", SIGNATURE, BODY, THEN)).isFalse();
        assertThat(webhooks.verifies(ID, "soon", SIGNATURE, BODY, THEN)).isFalse();
        assertThat(webhooks.verifies(ID, "1614265330", "", BODY, THEN)).isFalse();
    }

    @Test
    void takesNothingThatIsFiveMinutesOff() {
        assertThat(webhooks.verifies(ID, "1614265330", SIGNATURE, BODY, THEN.plusSeconds(300))).isTrue();
        assertThat(webhooks.verifies(ID, "1614265330", SIGNATURE, BODY, THEN.plusSeconds(301))).isFalse();
        assertThat(webhooks.verifies(ID, "1614265330", SIGNATURE, BODY, THEN.minusSeconds(301))).isFalse();
    }
}
