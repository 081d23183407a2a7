// How far one has read the open room: said to the server as it is seen, one mark at a time; and where what is new begins.

import type { Entry } from "./fold.ts";
import type { Row } from "./timeline.ts";
import type { Room } from "./unread.ts";
import { failure, mayRetry } from "./words.ts";

export interface Surroundings {
    me: string;
    send(seq: number): Promise<unknown>;
    /** The server has this mark. */
    marked(seq: number): void;
    changed(): void;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

const AGAIN_MS = 2_000;

export class Reading {
    /** What is new begins behind this entry; null: nothing is. */
    since: number | null = null;
    /** How far the server knows; null: that is not known yet, or one is no member. */
    private mark: number | null = null;
    private wanted = 0;
    /** The newest message of others, in the room or in a thread. */
    private news = 0;
    private running = false;

    constructor(private readonly around: Surroundings) {}

    get known(): boolean {
        return this.mark !== null;
    }

    /** As `rooms` tells it. `joined` is the entry that made one a member, `own` one's own newest message. */
    told({ head, read = 0, unread, mentions }: Room, joined: number, own: number): void {
        const first = this.mark === null;
        const some = (unread?.count ?? 0) > 0;
        if (some || (mentions?.count ?? 0) > 0) this.news = Math.max(this.news, head);
        // Where there is no mark, unread begins with joining; and who sends has read.
        if (first && some) this.since = Math.max(read || joined, own);
        this.mark = Math.max(this.mark ?? 0, read);
        this.wanted = Math.max(this.wanted, this.mark);
        this.around.changed();
    }

    /** One is no member any more, or the numbers count in another history. */
    forget(): void {
        this.mark = null;
        this.since = null;
        this.wanted = 0;
        this.news = 0;
    }

    /** The next entry of the log. `sees`: the reader is at its end. */
    entry({ type, from, seq, thread, in_room, gone }: Entry, sees: boolean): void {
        if (type !== "message") return;
        if (from === this.around.me) {
            // Who sends has read.
            this.since = null;
            this.news = 0;
            return;
        }
        if (gone) return;
        const shown = thread === undefined || in_room === true;
        if (shown && !sees && this.news <= this.wanted) this.since = seq - 1;
        this.news = seq;
    }

    /** Another device has read so far. */
    elsewhere(seq: number): void {
        if (this.mark === null || seq <= this.mark) return;
        this.mark = seq;
        this.wanted = Math.max(this.wanted, seq);
    }

    /** The reader sees the end of the log, and this is it. */
    seen(head: number): void {
        if (this.mark === null || this.news <= this.wanted || head < this.news) return;
        this.wanted = head;
        if (!this.running) void this.send();
    }

    private async send(): Promise<void> {
        this.running = true;
        try {
            // With the answer the newest is said, if that is another.
            while (this.mark !== null && this.wanted > this.mark) {
                const seq = this.wanted;
                try {
                    await this.around.send(seq);
                } catch (error) {
                    const problem = failure(error);
                    if (mayRetry(problem)) {
                        await this.around.pause(AGAIN_MS);
                        continue;
                    }
                    // The mark is further already: another device was faster.
                    if (problem.code !== 409) return void (this.mark = null);
                }
                if (this.mark !== null) this.mark = Math.max(this.mark, seq);
                this.around.marked(seq);
            }
        } finally {
            this.running = false;
            this.around.changed();
        }
    }
}

/** The rows with a line before what is new. */
export function divided(rows: readonly Row[], since: number | null, me: string): Row[] {
    const nth = since === null ? -1 : rows.findIndex((row) => isNew(row, since, me));
    return nth < 0 ? [...rows] : rows.toSpliced(nth, 0, { kind: "new", key: "new" });
}

function isNew(row: Row, since: number, me: string): boolean {
    if (row.kind !== "entry") return false;
    const { type, from, seq, gone } = row.entry;
    return type === "message" && from !== me && !gone && seq > since;
}
