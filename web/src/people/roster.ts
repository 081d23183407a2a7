// Who is in the room and what holds there: asked for, and followed in the log from there on.

import type { Entry, RoomRow, Shown } from "hubbub-sdk";
import { bannedAfter, followed, rules, type Bans, type Member, type Members, type Rules, type Told } from "./people.ts";

export interface Surroundings {
    /** The room; undefined: one is no member. */
    own(): Promise<RoomRow | undefined>;
    members(after: string | undefined): Promise<{ members: Member[]; next?: string }>;
    /** Those who are banned, in the same way; a server that does not know of it answers with the members. */
    banned(after: string | undefined): Promise<{ members: Banned[]; next?: string }>;
    /** The newest entries of the log. */
    recent(): readonly Entry[];
    /** What the room shows of the log. */
    shown(): readonly Shown[];
    /** It was read: all of it is known now. */
    read(): void;
}

export interface Banned {
    user: string;
    role: string;
    since: number;
}

const RULING = new Set(["changed", "muted", "unmuted", "renamed"]);

export class Roster {
    members: Members = new Map();
    bans: Bans = new Map();
    /** Whether the members were read. */
    known = false;
    kind: string | undefined;
    private asksForBans = false;
    private held: Told = { settings: {}, muted: new Map(), name: "", topic: "", asOf: 0 };
    /** The lines since then of which rules are made. Those that are not shown any more count, too. */
    private readonly lines = new Map<number, Entry>();
    private now: Rules | null = null;
    private asked = 0;

    constructor(private readonly around: Surroundings) {}

    follow(entry: Entry): void {
        this.members = followed(this.members, entry);
        this.bans = bannedAfter(this.bans, entry);
        this.heeds(entry);
    }

    /** From now on it is known who is banned, too: for whoever may lift that. */
    async loadBans(): Promise<void> {
        this.asksForBans = true;
        const { asked } = this;
        try {
            const all = await everything(async (after) => {
                const { members, next } = await this.around.banned(after);
                return [members, next];
            });
            if (asked !== this.asked) return;
            const bans = new Map(all.filter(({ role }) => role === "banned").map(({ user, since }) => [user, since]));
            this.bans = this.around.recent().reduce(bannedAfter, bans);
            this.around.read();
        } catch {
            // Those of whom the log tells are known all the same.
        }
    }

    /** The same object until something has changed. */
    rules(): Rules {
        for (const entry of this.around.shown()) this.heeds(entry);
        return (this.now ??= rules(this.held, [...this.lines.values()].sort((one, other) => one.seq - other.seq)));
    }

    private heeds(entry: Entry): void {
        if (!RULING.has(entry.type) || entry.seq <= this.held.asOf || this.lines.has(entry.seq)) return;
        this.lines.set(entry.seq, entry);
        this.now = null;
    }

    async load(): Promise<void> {
        const asked = (this.asked += 1);
        try {
            // Before the members: what happens meanwhile is in the lines after this head.
            const own = await this.around.own();
            const all = await everything(async (after) => {
                const { members, next } = await this.around.members(after);
                return [members, next];
            });
            // A later question knows better.
            if (asked !== this.asked) return;
            const { head = 0, settings = {}, name = "", topic = "", kind } = own ?? {};
            const muted = all.flatMap(({ user, muted_until }) => (muted_until ? [[user, muted_until] as const] : []));
            this.held = { settings, muted: new Map(muted), name, topic, asOf: head };
            this.now = null;
            for (const seq of [...this.lines.keys()]) if (seq <= head) this.lines.delete(seq);
            this.kind = kind;
            // Some of it may have changed while it was read.
            this.members = this.around.recent().reduce(followed, new Map(all.map((one) => [one.user, one])));
            this.known = true;
            this.around.read();
            if (this.asksForBans) void this.loadBans();
        } catch {
            // Nothing is offered then; whoever may not read the room is told so by the subscription.
        }
    }
}

async function everything<One>(page: (after: string | undefined) => Promise<[One[], string | undefined]>): Promise<One[]> {
    const all: One[] = [];
    let after: string | undefined;
    do {
        const [some, next] = await page(after);
        all.push(...some);
        after = next;
    } while (after !== undefined);
    return all;
}
