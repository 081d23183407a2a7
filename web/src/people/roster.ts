// Who is in the room and what holds there: asked for, and followed in the log from there on.

import type { Entry, RoomRow, Shown } from "hubbub-sdk";
import { followed, rules, type Member, type Members, type Rules, type Told } from "./people.ts";

export interface Surroundings {
    /** The room; undefined: one is no member. */
    own(): Promise<RoomRow | undefined>;
    members(after: string | undefined): Promise<{ members: Member[]; next?: string }>;
    /** The newest entries of the log. */
    recent(): readonly Entry[];
    /** What the room shows of the log. */
    shown(): readonly Shown[];
    /** It was read: all of it is known now. */
    read(own: RoomRow | undefined): void;
}

export class Roster {
    members: Members = new Map();
    /** Whether the members were read. */
    known = false;
    kind: string | undefined;
    private held: Told = { settings: {}, muted: new Map(), name: "", topic: "", asOf: 0 };
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
            this.kind = kind;
            // Some of it may have changed while it was read.
            this.members = this.around.recent().reduce(followed, new Map(all.map((one) => [one.user, one])));
            this.known = true;
            this.around.read(own);
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
