// Why the room is not followed, what helps then, and when it is asked for again.

import type { Entry } from "../../sdk/src/fold.ts";
import type { Hint } from "../../sdk/src/link.ts";
import { isolated } from "./names.ts";
import { failure, refusal } from "../../sdk/src/words.ts";

export interface Surroundings {
    me: string;
    room: string;
    /** Asks for the subscription again. */
    follow(): void;
    join(): Promise<unknown>;
    create(): Promise<unknown>;
    /** open, private or direct, once that is known. */
    kind(): string | undefined;
    changed(): void;
}

export interface End {
    text: string;
    /** What the button says, where something can be done. */
    remedy?: string;
}

const ABOUT = new Set(["joined", "left", "banned"]);

/** The subscription was ended because the user is no member any more. */
const REMOVED = 2000;

export class Door {
    end: End | null = null;
    private open = true;
    private help: (() => Promise<unknown>) | null = null;
    /** The last that the log said of one's own membership. */
    private last: Entry | undefined;

    constructor(private readonly around: Surroundings) {}

    entry(entry: Entry): void {
        if (entry.user !== this.around.me || !ABOUT.has(entry.type)) return;
        this.last = entry;
        if (entry.type === "joined") this.member();
    }

    subscribed(): void {
        this.open = true;
        this.tell(null);
    }

    unsubscribed(why: string, code: number): void {
        this.open = false;
        const { room } = this.around;
        if (code === REMOVED) this.removed(why);
        else if (code === 102) this.tell({ text: why, remedy: `Create “${isolated(room)}”` }, () => this.around.create());
        else this.kept(why, code);
    }

    /** One reads and is no member: the people are known, and one is not among them; or writing was refused. */
    kept(why: string, code: number): void {
        const join = code === 103 && !/banned/.test(why);
        this.tell({ text: why, ...(join && { remedy: "Join" }) }, join ? () => this.around.join() : null);
    }

    /** One is a member (again). */
    member(): void {
        if (this.open && this.end) this.tell(null);
    }

    hint(hint: Hint): void {
        if (this.readmits(hint)) this.again();
    }

    /** Whether one's membership may be another now. */
    readmits({ type, room }: Hint): boolean {
        return type === "missed" || (type === "added" && room === this.around.room);
    }

    /** Perhaps one is let in now: hints may have been lost. */
    again(): void {
        if (!this.open) this.around.follow();
    }

    async remedy(): Promise<void> {
        try {
            await this.help?.();
            this.tell(null);
            this.around.follow();
        } catch (error) {
            this.tell({ text: refusal(failure(error)), remedy: "Try again" }, this.help);
        }
    }

    private removed(why: string): void {
        const { me, kind } = this.around;
        if (this.last?.type === "banned") return this.tell({ text: "You were banned from this room." });
        const text = this.last?.type === "left" && this.last.from === me ? "You have left this room." : why;
        if ((kind() ?? "open") !== "open") return this.tell({ text: `${text} Whoever may can add you again.` });
        this.tell({ text, remedy: "Join" }, () => this.around.join());
    }

    private tell(end: End | null, help: (() => Promise<unknown>) | null = null): void {
        this.end = end;
        this.help = help;
        this.around.changed();
    }
}
