package example.teams.migration;

import org.springframework.http.HttpStatus;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Says which chat is open, and lets admins change it. */
@RestController
@RequestMapping("/api/chat/mode")
class ChatSwitchController {

    record State(ChatMode mode, long toSend, long refused) {
    }

    private final ChatSwitch chatSwitch;
    private final BridgeStore store;

    ChatSwitchController(ChatSwitch chatSwitch, BridgeStore store) {
        this.chatSwitch = chatSwitch;
        this.store = store;
    }

    @GetMapping
    State state() {
        return new State(chatSwitch.mode(), store.countToSend(), store.countRefused());
    }

    @PutMapping("/{mode}")
    @PreAuthorize("hasRole('ADMIN')")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void set(@PathVariable ChatMode mode) {
        chatSwitch.set(mode);
    }
}
