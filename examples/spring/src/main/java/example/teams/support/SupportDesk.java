package example.teams.support;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** What customers said, as the portal's webhooks bring it. */
@Service
class SupportDesk {

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Event(String type, Data data) {

        @JsonIgnoreProperties(ignoreUnknown = true)
        record Data(String sessionId, From from, String message, long seq) {
        }

        @JsonIgnoreProperties(ignoreUnknown = true)
        record From(String id) {
        }
    }

    private final JdbcClient jdbc;

    SupportDesk(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** Each webhook has its effect once: its id is kept in the transaction of the effect. */
    @Transactional
    void take(String id, Event event) {
        var first = jdbc.sql("INSERT INTO webhooks (id) VALUES (?) ON CONFLICT DO NOTHING").param(id).update() > 0;
        if (first && "message.created".equals(event.type())) {   // other types are taken, and nothing is done
            var data = event.data();
            jdbc.sql("INSERT INTO support_messages (session, seq, author, body) VALUES (?, ?, ?, ?)")
                .params(data.sessionId(), data.seq(), data.from().id(), data.message()).update();
        }
    }
}
