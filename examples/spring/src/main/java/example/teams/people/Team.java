package example.teams.people;

import jakarta.persistence.CollectionTable;
import jakarta.persistence.Column;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.Table;
import jakarta.persistence.Version;

import java.util.HashSet;
import java.util.Set;

/** A team. Its room in Hubbub has the same id. */
@Entity
@Table(name = "teams")
public class Team {

    @Id
    private String id;
    private String name;
    @ElementCollection
    @CollectionTable(name = "team_members", joinColumns = @JoinColumn(name = "team"))
    @Column(name = "username")
    private Set<String> members = new HashSet<>();
    private boolean roomDue = true;
    @Version
    private long version;

    protected Team() {
    }

    public Team(String id, String name) {
        this.id = id;
        this.name = name;
    }

    public void add(String username) {
        members.add(username);
        roomDue = true;
    }

    public void remove(String username) {
        members.remove(username);
        roomDue = true;
    }

    /** The room is as the team is. Whoever changes the team meanwhile wins, by the version. */
    public void roomDone() {
        roomDue = false;
    }

    public String getId() {
        return id;
    }

    public String getName() {
        return name;
    }

    public Set<String> getMembers() {
        return members;
    }
}
