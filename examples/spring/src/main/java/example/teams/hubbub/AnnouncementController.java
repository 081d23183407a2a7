package example.teams.hubbub;

import hubbub.api.MessagesApi;
import hubbub.model.NewMessage;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** Messages from the backend. The caller's key is handed on: whoever is not sure asks again, and it is said once. */
@RestController
class AnnouncementController {

    record Announcement(String text) {
    }

    record Said(long seq) {
    }

    private final MessagesApi messages;

    AnnouncementController(MessagesApi messages) {
        this.messages = messages;
    }

    @PostMapping("/api/teams/{team}/announcements")
    @PreAuthorize("hasRole('ADMIN')")
    Said announce(@PathVariable String team, @RequestHeader("Idempotency-Key") String key, @RequestBody Announcement announcement) {
        var message = new NewMessage().from(TeamRooms.BOT).text(announcement.text());
        return new Said(messages.send(team, message, null, "announcement." + key).getSeq());
    }
}
