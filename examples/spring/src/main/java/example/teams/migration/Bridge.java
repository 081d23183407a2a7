package example.teams.migration;

import example.teams.migration.BridgeStore.Cursor;
import example.teams.migration.BridgeStore.Unsent;
import example.teams.oldchat.OldChatRelay;
import hubbub.api.MembersApi;
import hubbub.api.MessagesApi;
import hubbub.api.RoomsApi;
import hubbub.model.NewMessage;
import hubbub.model.NewRole;
import hubbub.model.RoomView;
import hubbub.model.SentView;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.RestClientException;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Carries what is said in one chat into the other, on every instance, without a leader and without a lock over a call:
 * whatever two instances do at once, or one does twice because it was killed in between, is done once.
 *
 * <ul>
 * <li>Out: the table is its own outbox. A message without {@code hubbub_id} is sent under a key made of its id, by which Hubbub
 *     knows a repeat for as long as the room exists.
 * <li>In: a cursor reads the room's log. It moves in the transaction that writes the messages, so each is written once. What this
 *     bridge sent itself is known by its key, and not written again.
 * <li>Both instances send from the beginning of what waits, one after another, so the order stays.
 * </ul>
 */
@Component
class Bridge {

    private static final Logger log = LoggerFactory.getLogger(Bridge.class);
    private static final long PAGE = 1000;
    /** A commit may come this much later than the time it bears. */
    private static final Duration LATE = Duration.ofMinutes(1);

    private final ChatSwitch chatSwitch;
    private final BridgeStore store;
    private final OldChatRelay oldChat;
    private final RoomsApi rooms;
    private final MembersApi members;
    private final MessagesApi messages;

    /** Rooms without anything newer are not asked for. By the clock of Hubbub's database; null: all rooms. */
    private OffsetDateTime activeSince;

    Bridge(ChatSwitch chatSwitch, BridgeStore store, OldChatRelay oldChat, RoomsApi rooms, MembersApi members, MessagesApi messages) {
        this.chatSwitch = chatSwitch;
        this.store = store;
        this.oldChat = oldChat;
        this.rooms = rooms;
        this.members = members;
        this.messages = messages;
    }

    @Scheduled(fixedDelayString = "${teams.bridge-delay:250}")
    void run() {
        if (chatSwitch.mode() == ChatMode.OLD) {
            return;
        }
        try {
            var behind = readRooms();
            // What was imported is known to be in Hubbub once its room is read; it need not be sent.
            store.teamsToSend().stream().filter(team -> !behind.contains(team)).forEach(this::send);
            oldChat.tellWhatIsNew();
        } catch (RestClientException | DataAccessException later) {
            log.warn("bridge: {}", later.toString());
        }
    }

    /** Reads all rooms in which something is new; those that it did not get through are returned. */
    private Set<String> readRooms() {
        var cursors = store.cursors();
        var behind = new HashSet<String>();
        var newest = activeSince;
        for (var room : activeRooms()) {
            var cursor = cursors.get(room.getId());
            if (cursor != null && !read(room, cursor)) {
                behind.add(room.getId());
            }
            var at = OffsetDateTime.parse(room.getActiveAt()).minus(LATE);
            newest = newest == null || at.isAfter(newest) ? at : newest;
        }
        if (behind.isEmpty()) {
            activeSince = newest;
        }
        return behind;
    }

    private List<RoomView> activeRooms() {
        var found = new ArrayList<RoomView>();
        String after = null;
        do {
            var page = rooms.listRooms(null, null, null, activeSince == null ? null : activeSince.toString(), after, PAGE);
            found.addAll(page.getRooms());
            after = page.getNext();
        } while (after != null);
        return found;
    }

    private boolean read(RoomView room, Cursor cursor) {
        try {
            while (!cursor.isAt(room.getEpoch(), room.getHead())) {
                var page = messages.history(room.getId(), null, cursor.after(room.getEpoch()), null, PAGE, null);
                if (!page.getEpoch().equals(room.getEpoch()) || page.getEntries().isEmpty()) {
                    return false;
                }
                cursor = store.take(cursor, page.getEpoch(), page.getEntries());
            }
            return true;
        } catch (RestClientException | DataAccessException later) {
            log.info("room {}: {}", room.getId(), later.toString());
            return false;
        }
    }

    private void send(String team) {
        for (var message : store.toSend(team)) {
            try {
                var sent = send(message);
                store.sent(message.id(), sent.getId(), sent.getSeq());
            } catch (HttpClientErrorException.Conflict | HttpClientErrorException.UnprocessableEntity refusal) {
                // Its own fault, and it would be refused for ever: too long, or its author used this key for something else.
                log.error("message {} is refused: {}", message.id(), refusal.getResponseBodyAsString());
                store.refused(message.id(), refusal.getResponseBodyAsString());
            } catch (RestClientException later) {
                log.info("message {}: {}", message.id(), later.toString());
                return;   // the next ones wait behind it
            }
        }
    }

    private SentView send(Unsent message) {
        var body = new NewMessage().from(message.author()).text(message.body());
        try {
            return messages.send(message.team(), body, null, BridgeStore.key(message.id()));
        } catch (HttpClientErrorException.NotFound notMember) {
            // To who is no member of a private room there is no such room. They came a moment ago, or have left since: what they
            // said stands in the table, so it is said, and TeamRooms tidies up. Where there is no room at all, this is 404 as well.
            members.putMember(message.team(), message.author(), new NewRole().role(NewRole.RoleEnum.MEMBER), null, null);
            store.roomDue(message.team());
            return messages.send(message.team(), body, null, BridgeStore.key(message.id()));
        }
    }
}
