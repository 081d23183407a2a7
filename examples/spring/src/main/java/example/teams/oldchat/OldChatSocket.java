package example.teams.oldchat;

import com.fasterxml.jackson.databind.ObjectMapper;
import example.teams.migration.ChatMode;
import example.teams.migration.ChatSwitch;
import example.teams.people.Teams;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketSession;
import org.springframework.web.socket.handler.ConcurrentWebSocketSessionDecorator;
import org.springframework.web.socket.handler.TextWebSocketHandler;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The old chat's sockets on this instance: /old-chat/{team} sends the newest messages, then what comes. */
@Component
class OldChatSocket extends TextWebSocketHandler {

    /** Tells the page to load the new chat. */
    static final CloseStatus MOVED = new CloseStatus(4001, "the chat has moved");

    private static final Logger log = LoggerFactory.getLogger(OldChatSocket.class);

    record Said(String body) {
    }

    record Problem(String error) {
    }

    private final OldChat chat;
    private final Teams teams;
    private final ChatSwitch chatSwitch;
    private final ObjectMapper json;
    private final Map<String, WebSocketSession> sessions = new ConcurrentHashMap<>();

    OldChatSocket(OldChat chat, Teams teams, ChatSwitch chatSwitch, ObjectMapper json) {
        this.chat = chat;
        this.teams = teams;
        this.chatSwitch = chatSwitch;
        this.json = json;
    }

    @Override
    public void afterConnectionEstablished(WebSocketSession bare) throws IOException {
        if (chatSwitch.mode() == ChatMode.NEW) {
            bare.close(MOVED);
            return;
        }
        var team = team(bare);
        if (!teams.existsByIdAndMembersContaining(team, bare.getPrincipal().getName())) {
            bare.close(CloseStatus.POLICY_VIOLATION);
            return;
        }
        var session = new ConcurrentWebSocketSessionDecorator(bare, 5000, 512 * 1024);
        sessions.put(session.getId(), session);   // first, so that nothing falls between; the page drops an id it has
        for (var message : chat.newest(team)) {
            send(session, json.writeValueAsString(message.view()));
        }
    }

    @Override
    protected void handleTextMessage(WebSocketSession bare, TextMessage message) throws IOException {
        try {
            chat.say(team(bare), bare.getPrincipal().getName(), json.readValue(message.getPayload(), Said.class).body());
        } catch (OldChat.Refused refused) {
            send(sessions.get(bare.getId()), json.writeValueAsString(new Problem(refused.getMessage())));
        }
    }

    @Override
    public void afterConnectionClosed(WebSocketSession bare, CloseStatus status) {
        sessions.remove(bare.getId());
    }

    /** What Redis brings. */
    void deliver(String team, String message) {
        sessions.values().stream().filter(session -> team(session).equals(team)).forEach(session -> send(session, message));
    }

    @Scheduled(fixedDelay = 1000)
    void closeWhenMoved() throws IOException {
        if (!sessions.isEmpty() && chatSwitch.mode() == ChatMode.NEW) {
            for (var session : sessions.values()) {
                session.close(MOVED);
            }
        }
    }

    private void send(WebSocketSession session, String text) {
        try {
            session.sendMessage(new TextMessage(text));
        } catch (IOException | IllegalStateException gone) {
            log.debug("a socket is gone: {}", gone.toString());
        }
    }

    private static String team(WebSocketSession session) {
        var path = session.getUri().getPath();
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
