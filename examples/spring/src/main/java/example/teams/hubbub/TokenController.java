package example.teams.hubbub;

import example.teams.migration.ChatMode;
import example.teams.migration.ChatSwitch;
import example.teams.people.People;
import org.springframework.http.HttpStatus;
import org.springframework.security.oauth2.jose.jws.MacAlgorithm;
import org.springframework.security.oauth2.jwt.JwsHeader;
import org.springframework.security.oauth2.jwt.JwtClaimsSet;
import org.springframework.security.oauth2.jwt.JwtEncoder;
import org.springframework.security.oauth2.jwt.JwtEncoderParameters;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

import java.security.Principal;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** A token for whoever is signed in: what the client's {@code getToken} asks for, at first and whenever one has expired. */
@RestController
class TokenController {

    private static final Duration LIFE = Duration.ofMinutes(10);

    record Token(String token, String socket) {
    }

    private final JwtEncoder tokens;
    private final People people;
    private final ChatSwitch chatSwitch;
    private final HubbubProperties hubbub;

    TokenController(JwtEncoder tokens, People people, ChatSwitch chatSwitch, HubbubProperties hubbub) {
        this.tokens = tokens;
        this.people = people;
        this.chatSwitch = chatSwitch;
        this.hubbub = hubbub;
    }

    @GetMapping("/api/chat/token")
    Token token(Principal principal) {
        if (chatSwitch.mode() == ChatMode.OLD) {
            throw new ResponseStatusException(HttpStatus.CONFLICT, "the new chat is not open yet");
        }
        var person = people.findById(principal.getName()).orElseThrow();
        var now = Instant.now();
        var claims = JwtClaimsSet.builder()
            .subject(person.getUsername())
            .issuedAt(now)
            .expiresAt(now.plus(LIFE))
            .claim("info", Map.of("name", person.getDisplayName()))   // what other clients may show
            .build();
        var header = JwsHeader.with(MacAlgorithm.HS256).build();
        return new Token(tokens.encode(JwtEncoderParameters.from(header, claims)).getTokenValue(), hubbub.socket());
    }
}
