package example.teams.migration;

/** Which chat is open. */
public enum ChatMode {
    /** The old one alone. */
    OLD,
    /** Both, and the bridge carries what is said in one into the other. */
    BOTH,
    /** The new one alone. What is said there still goes into the old table, so that one may go back. */
    NEW
}
