// Who of the room's members is there, and when they last were: asked now and then, while somebody looks at the page.

export interface Seen {
    user: string;
    online: boolean;
    last_seen?: string;
}

export interface Surroundings {
    ask(users: readonly string[]): Promise<{ users: Seen[] }>;
    /** The room's other members. */
    users(): readonly string[];
    /** Whether anybody sees the page. */
    visible(): boolean;
    changed(): void;
}

/** The server tells of no more at a time. */
export const ONLINE_USERS = 200;
export const EVERY_MS = 30_000;
/** After somebody has come. */
const SOONEST_MS = 3_000;

export class Presence {
    seen: ReadonlyMap<string, Seen> = new Map();
    private last = -Infinity;
    private asked: string = "";
    private asking = false;

    constructor(private readonly around: Surroundings) {}

    /** Asks where it is time, or where there are others to be asked about. */
    async look(now: number): Promise<void> {
        const users = this.around.users().slice(0, ONLINE_USERS);
        const who = JSON.stringify(users);
        const due = this.last + (who === this.asked ? EVERY_MS : SOONEST_MS);
        if (this.asking || !users.length || now < due || !this.around.visible()) return;
        this.asking = true;
        this.last = now;
        this.asked = who;
        try {
            const { users: told } = await this.around.ask(users);
            this.seen = new Map(told.map((one) => [one.user, one]));
        } catch {
            // Better nothing than what was.
            this.seen = new Map();
        }
        this.asking = false;
        this.around.changed();
    }

    /** Somebody has just done something: they are there, however long ago it was asked. */
    here(user: string): void {
        if (this.seen.get(user)?.online === false) this.seen = new Map(this.seen).set(user, { user, online: true });
    }

    /** What was told is not so any more: the connection was away. */
    forget(): void {
        this.last = -Infinity;
    }
}
