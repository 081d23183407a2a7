package example.teams.oldchat;

import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

import java.util.List;

interface OldMessages extends JpaRepository<OldMessage, Long> {

    List<OldMessage> findByTeamOrderByIdDesc(String team, Limit limit);

    /** What came out of Hubbub and no socket has been told of. A second instance waits, and then finds it told. */
    @Query(value = "SELECT * FROM messages WHERE to_tell ORDER BY id LIMIT 500 FOR UPDATE", nativeQuery = true)
    List<OldMessage> toTell();
}
