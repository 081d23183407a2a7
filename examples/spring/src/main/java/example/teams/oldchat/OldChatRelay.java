package example.teams.oldchat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.event.TransactionalEventListener;

/** Tells all instances' sockets over Redis Pub/Sub. */
@Component
public class OldChatRelay {

    static final String CHANNEL = "chat.";

    private final StringRedisTemplate redis;
    private final ObjectMapper json;
    private final OldMessages messages;
    private final JdbcClient jdbc;

    OldChatRelay(StringRedisTemplate redis, ObjectMapper json, OldMessages messages, JdbcClient jdbc) {
        this.redis = redis;
        this.json = json;
        this.messages = messages;
        this.jdbc = jdbc;
    }

    /** After the commit. An instance that dies right here tells nobody: that is what one wants to get rid of. */
    @TransactionalEventListener
    void saved(OldMessage message) {
        publish(message);
    }

    /** What the bridge has written, marked in the same transaction: told at least once, with its id to drop a repeat by. */
    @Transactional
    public void tellWhatIsNew() {
        var told = messages.toTell();
        told.forEach(this::publish);
        told.forEach(message -> jdbc.sql("UPDATE messages SET to_tell = false WHERE id = ?").param(message.view().id()).update());
    }

    private void publish(OldMessage message) {
        try {
            redis.convertAndSend(CHANNEL + message.getTeam(), json.writeValueAsString(message.view()));
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
