package example.teams.oldchat;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

import java.time.Instant;

/** A message of the old chat. */
@Entity
@Table(name = "messages")
class OldMessage {

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;
    private String team;
    private String author;
    private String body;
    private Instant createdAt = Instant.now();

    protected OldMessage() {
    }

    OldMessage(String team, String author, String body) {
        this.team = team;
        this.author = author;
        this.body = body;
    }

    /** As the sockets get it, and Redis carries it. */
    record View(long id, String author, String body, Instant at) {
    }

    View view() {
        return new View(id, author, body, createdAt);
    }

    String getTeam() {
        return team;
    }
}
