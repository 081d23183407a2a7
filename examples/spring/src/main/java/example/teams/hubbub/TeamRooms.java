package example.teams.hubbub;

import example.teams.migration.ChatMode;
import example.teams.migration.ChatSwitch;
import example.teams.people.Team;
import example.teams.people.Teams;
import hubbub.api.MembersApi;
import hubbub.api.RoomsApi;
import hubbub.model.MemberView;
import hubbub.model.NewMembers;
import hubbub.model.NewMembership;
import hubbub.model.NewRoom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.OptimisticLockingFailureException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestClientException;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * Rooms follow teams. A change of a team marks it due in its own transaction, and this catches up: every call is one that may be
 * made again, so a crash or a Hubbub that is away delays it and no more.
 */
@Component
public class TeamRooms {

    /** Who speaks for the backend: a member of every room, and nobody's login. */
    public static final String BOT = "bot";

    private static final Logger log = LoggerFactory.getLogger(TeamRooms.class);
    private static final long PAGE = 1000;

    private final Teams teams;
    private final RoomsApi rooms;
    private final MembersApi members;
    private final ChatSwitch chatSwitch;

    TeamRooms(Teams teams, RoomsApi rooms, MembersApi members, ChatSwitch chatSwitch) {
        this.teams = teams;
        this.rooms = rooms;
        this.members = members;
        this.chatSwitch = chatSwitch;
    }

    /** Not before the history was imported: an import goes only into rooms that it makes itself. */
    @Scheduled(fixedDelayString = "${teams.rooms-delay:500}")
    void followTeams() {
        if (chatSwitch.mode() == ChatMode.OLD) {
            return;
        }
        for (var team : teams.findByRoomDueTrue()) {
            try {
                follow(team);
                team.roomDone();
                teams.save(team);
            } catch (OptimisticLockingFailureException another) {
                log.debug("room {}: another instance was quicker, or the team has changed", team.getId());
            } catch (RestClientException later) {
                log.warn("room {}: {}", team.getId(), later.toString());
            }
        }
    }

    private void follow(Team team) {
        var room = team.getId();
        rooms.createRoom(new NewRoom().id(room).kind(NewRoom.KindEnum.PRIVATE).name(team.getName()));
        var wanted = new HashSet<>(team.getMembers());
        wanted.add(BOT);
        var present = present(room);
        var missing = wanted.stream().filter(user -> !present.contains(user)).toList();
        for (var start = 0; start < missing.size(); start += (int) PAGE) {
            var some = missing.subList(start, (int) Math.min(start + PAGE, missing.size()));
            members.putMembers(room, new NewMembers().members(some.stream().map(TeamRooms::member).toList()), null, null);
        }
        for (var user : present) {
            if (!wanted.contains(user)) {
                members.removeMember(room, user, null, null, null);
            }
        }
    }

    private List<String> present(String room) {
        var present = new ArrayList<String>();
        String after = null;
        do {
            var page = members.members(room, after, PAGE, null);
            page.getMembers().stream().map(MemberView::getUser).forEach(present::add);
            after = page.getNext();
        } while (after != null);
        return present;
    }

    private static NewMembership member(String user) {
        return new NewMembership().user(user).role(NewMembership.RoleEnum.MEMBER);
    }
}
