package example.teams.people;

import org.springframework.http.HttpStatus;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Teams change here alone; {@link example.teams.hubbub.TeamRooms} has their rooms follow. */
@RestController
@RequestMapping("/api/teams/{id}")
@PreAuthorize("hasRole('ADMIN')")
@ResponseStatus(HttpStatus.NO_CONTENT)
@Transactional
class TeamController {

    record NewTeam(String name) {
    }

    private final Teams teams;
    private final People people;

    TeamController(Teams teams, People people) {
        this.teams = teams;
        this.people = people;
    }

    @PutMapping
    void make(@PathVariable String id, @RequestBody NewTeam team) {
        if (!teams.existsById(id)) {
            teams.save(new Team(id, team.name()));
        }
    }

    @PutMapping("/members/{username}")
    void add(@PathVariable String id, @PathVariable String username) {
        if (!people.existsById(username)) {
            throw new ResponseStatusException(HttpStatus.NOT_FOUND, "no such person");
        }
        team(id).add(username);
    }

    @DeleteMapping("/members/{username}")
    void remove(@PathVariable String id, @PathVariable String username) {
        team(id).remove(username);
    }

    private Team team(String id) {
        return teams.findById(id).orElseThrow(() -> new ResponseStatusException(HttpStatus.NOT_FOUND, "no such team"));
    }
}
