package example.teams;

/** Who said what: all that must be the same in both chats. */
public record Said(String author, String body) {
}
