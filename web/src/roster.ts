// Who is in the room and what holds there: asked for, and followed in the log from there on.

import type { Entry, Settings, Shown } from "./fold.ts";
import { followed, rules, type Member, type Members, type Rules, type Told } from "./people.ts";

/** A room as `rooms` tells of it, as far as the page needs it. */
export interface Room {
    id: string;
    kind: string;
    name: string;
    head: number;
    settings?: Settings;
}

export interface Surroundings {
    rooms(after: string | undefined): Promise<{ rooms: Room[]; next?: string }>;
    members(after: string | undefined): Promise<{ members: Member[]; next?: string }>;
    room: string;
    /** The newest entries of the log. */
    recent(): readonly Entry[];
    /** What the room shows of the log. */
    shown(): readonly Shown[];
    /** It was read: all of it is known now. */
    read(): void;
}

export class Roster {
    members: Members = new Map();
    /** Whether the members were read. */
    known = false;
    kind: string | undefined;
    private held: Told = { settings: {}, muted: new Map(), name: "", asOf: 0 };
    private asked = 0;

    constructor(private readonly around: Surroundings) {}

    follow(entry: Entry): void {
        this.members = followed(this.members, entry);
    }

    rules(): Rules {
        return rules(this.held, this.around.shown());
    }

    async load(): Promise<void> {
        const asked = (this.asked += 1);
        try {
            // Before the members: what happens meanwhile is in the lines after this head.
            const own = await this.own();
            const all = await everything(async (after) => {
                const { members, next } = await this.around.members(after);
                return [members, next];
            });
            // A later question knows better.
            if (asked !== this.asked) return;
            const { head = 0, settings = {}, name = "", kind } = own ?? {};
            const muted = all.flatMap(({ user, muted_until }) => (muted_until ? [[user, muted_until] as const] : []));
            this.held = { settings, muted: new Map(muted), name, asOf: head };
            this.kind = kind;
            // Some of it may have changed while it was read.
            this.members = this.around.recent().reduce(followed, new Map(all.map((one) => [one.user, one])));
            this.known = true;
            this.around.read();
        } catch {
            // Nothing is offered then; whoever may not read the room is told so by the subscription.
        }
    }

    /** The room among those that one is a member of. */
    private async own(): Promise<Room | undefined> {
        let after: string | undefined;
        do {
            const { rooms, next } = await this.around.rooms(after);
            const own = rooms.find(({ id }) => id === this.around.room);
            if (own) return own;
            after = next;
        } while (after !== undefined);
        return undefined;
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
