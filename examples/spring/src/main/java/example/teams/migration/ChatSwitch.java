package example.teams.migration;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** The one switch: a row that all instances read. */
@Component
public class ChatSwitch {

    private final JdbcClient jdbc;

    ChatSwitch(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    public ChatMode mode() {
        return jdbc.sql("SELECT mode FROM chat_switch").query(ChatMode.class).single();
    }

    /** The mode, which stays as it is until this transaction ends: after NEW is set nothing more comes into the old chat. */
    @Transactional(propagation = Propagation.MANDATORY)
    public ChatMode heldMode() {
        return jdbc.sql("SELECT mode FROM chat_switch FOR SHARE").query(ChatMode.class).single();
    }

    public void set(ChatMode mode) {
        jdbc.sql("UPDATE chat_switch SET mode = ?").param(mode.name()).update();
    }
}
