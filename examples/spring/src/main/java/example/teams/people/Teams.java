package example.teams.people;

import org.springframework.data.jpa.repository.EntityGraph;
import org.springframework.data.jpa.repository.JpaRepository;

import java.util.List;

public interface Teams extends JpaRepository<Team, String> {

    @EntityGraph(attributePaths = "members")
    List<Team> findByRoomDueTrue();

    boolean existsByIdAndMembersContaining(String id, String username);
}
