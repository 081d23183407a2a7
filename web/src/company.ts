// Who else is in the open room: who types, who has read how far, who is there.

import type { Entry, Shown } from "../../sdk/src/fold.ts";
import type { Words } from "./names.ts";
import type { Members } from "./people.ts";
import { Presence, type Seen } from "../../sdk/src/presence.ts";
import { readFurther, RECEIPTS_MEMBERS, seenBy, type Reads } from "../../sdk/src/receipts.ts";
import { seenWords } from "./who.ts";
import type { Signal } from "../../sdk/src/link.ts";
import { OthersTyping, OwnTyping } from "../../sdk/src/typing.ts";

export interface Surroundings {
    me: string;
    members(): Members;
    /** Whether one may write there now. */
    mayWrite(): boolean;
    sayTyping(thread: number | undefined): Promise<unknown>;
    reads(): Promise<{ reads: { user: string; seq: number }[] }>;
    online(users: readonly string[]): Promise<{ users: Seen[] }>;
    visible(): boolean;
    /** A clock that is never set. */
    clock(): number;
    changed(): void;
}

export class Company {
    readonly presence: Presence;
    private readonly own = new OwnTyping();
    private readonly typing: OthersTyping;
    private reads: Reads = new Map();
    private passes = 0;

    constructor(private readonly around: Surroundings) {
        this.typing = new OthersTyping(around.me);
        this.presence = new Presence({
            ask: (users) => around.online(users),
            users: () => this.others(),
            visible: () => around.visible(),
            changed: () => around.changed(),
        });
    }

    /** What no log keeps was said in the room. */
    signal(signal: Signal): void {
        if (signal.type === "typing") {
            this.typing.heard(signal, this.around.clock());
            this.pass();
        } else if (signal.type === "read" && signal.seq !== undefined) {
            this.reads = readFurther(this.reads, signal.user, signal.seq);
        } else return;
        this.presence.here(signal.user);
        this.around.changed();
    }

    entry(entry: Entry): void {
        this.typing.entry(entry);
        if (entry.type === "joined") this.look();
    }

    /** The members were read: signals may have been lost. */
    async load(): Promise<void> {
        this.look();
        if (!this.tellsReads()) return;
        try {
            const { reads } = await this.around.reads();
            this.reads = reads.reduce((all, { user, seq }) => readFurther(all, user, seq), this.reads);
            this.around.changed();
        } catch {
            // Nothing is shown of it then, until somebody reads on.
        }
    }

    /** The numbers count in another history. */
    forget(): void {
        this.reads = new Map();
    }

    writes(text: string, thread: number | undefined): void {
        if (!this.around.mayWrite() || !this.own.writes(text, thread, this.around.clock())) return;
        // Nothing depends on it.
        this.around.sayTyping(thread).catch(() => {});
    }

    sent(): void {
        this.own.sent();
    }

    types(thread?: number): readonly string[] {
        return this.typing.who(thread, this.around.clock());
    }

    /** Under which messages of these it is told who has seen them. */
    seen(shown: readonly Shown[]): Map<number, Words> {
        if (!this.tellsReads()) return new Map();
        const { me, members } = this.around;
        const all = seenBy(shown, this.reads, members().keys(), me);
        return new Map([...all].map(([seq, users]) => [seq, seenWords(users, this.others().length)]));
    }

    look(): void {
        void this.presence.look(this.around.clock());
    }

    private others(): string[] {
        return [...this.around.members().keys()].filter((user) => user !== this.around.me);
    }

    private tellsReads(): boolean {
        const { size } = this.around.members();
        return size > 1 && size <= RECEIPTS_MEMBERS && this.around.members().has(this.around.me);
    }

    /** What is typed passes by itself. */
    private pass(): void {
        clearTimeout(this.passes);
        const now = this.around.clock();
        const next = this.typing.next(now);
        if (next === null) return;
        this.passes = setTimeout(() => {
            this.around.changed();
            this.pass();
        }, next - now + 20) as unknown as number;
    }
}
