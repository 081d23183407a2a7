package example.teams.people;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

/** Somebody with an account. The username is their id in Hubbub, too: it never changes. */
@Entity
@Table(name = "users")
public class Person {

    @Id
    private String username;
    private String password;
    private String displayName;
    private boolean admin;

    protected Person() {
    }

    public String getUsername() {
        return username;
    }

    public String getPassword() {
        return password;
    }

    public String getDisplayName() {
        return displayName;
    }

    public boolean isAdmin() {
        return admin;
    }
}
