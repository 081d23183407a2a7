package example.teams.oldchat;

import example.teams.migration.ChatMode;
import example.teams.migration.ChatSwitch;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

import java.util.Collections;
import java.util.List;

/** The old chat as it was, but for two lines: it asks the switch. */
@Service
class OldChat {

    /** So that it is at most 8 KiB in Hubbub, whatever the letters. */
    private static final int LONGEST = 2000;
    private static final int NEWEST = 50;

    static class Refused extends RuntimeException {
        Refused(String why) {
            super(why);
        }
    }

    private final OldMessages messages;
    private final ApplicationEventPublisher events;
    private final ChatSwitch chatSwitch;

    OldChat(OldMessages messages, ApplicationEventPublisher events, ChatSwitch chatSwitch) {
        this.messages = messages;
        this.events = events;
        this.chatSwitch = chatSwitch;
    }

    @Transactional
    void say(String team, String author, String body) {
        if (chatSwitch.heldMode() == ChatMode.NEW) {
            throw new Refused("the chat has moved");
        }
        if (body == null || body.isBlank() || body.length() > LONGEST) {
            throw new Refused("a message has 1 to " + LONGEST + " characters");
        }
        events.publishEvent(messages.save(new OldMessage(team, author, body)));
    }

    @Transactional(readOnly = true)
    List<OldMessage> newest(String team) {
        var newest = messages.findByTeamOrderByIdDesc(team, Limit.of(NEWEST));
        Collections.reverse(newest);
        return newest;
    }
}
