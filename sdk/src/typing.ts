// Who types: one's own is told now and then while one writes, that of others passes by itself. Pure; times are of a clock that is
// never set.

import type { Entry } from "./fold.ts";
import type { Signal } from "./link.ts";

/** Readers are told once in two seconds at most, and it is over after six: this lies between. */
export const AGAIN_MS = 3_000;
const FOR_S = 6;

export class OwnTyping {
    private last = -Infinity;
    private where: number | undefined;

    /** Something was written into the box of the room, or of this thread: whether to say so. */
    writes(text: string, thread: number | undefined, now: number): boolean {
        const same = this.where === thread;
        if (!text.trim() || now - this.last < (same ? AGAIN_MS : AGAIN_MS / 2)) return false;
        this.last = now;
        this.where = thread;
        return true;
    }

    /** It was sent: with it the others know that one types no more. */
    sent(): void {
        this.last = -Infinity;
    }
}

export const NOBODY: readonly string[] = [];

export class OthersTyping {
    private readonly all = new Map<string, { until: number; thread: number | undefined }>();
    /** What was told last of the room and of each thread that was open. */
    private readonly told = new Map<number | undefined, readonly string[]>();

    constructor(private readonly me: string) {}

    heard({ user, thread, for: seconds = FOR_S }: Signal, now: number): void {
        if (user === this.me) return;
        this.all.set(user, { until: now + seconds * 1000, thread });
    }

    /** It is over with a message of the same person, and with their membership. */
    entry({ type, from, user }: Entry): void {
        if (type === "message") this.all.delete(from);
        if ((type === "left" || type === "banned") && user !== undefined) this.all.delete(user);
    }

    /** Who types in the room, or in this thread: the same array until they are others. */
    who(thread: number | undefined, now: number): readonly string[] {
        const who = [...this.all].filter(([, one]) => one.thread === thread && one.until > now).map(([user]) => user);
        const before = this.told.get(thread) ?? NOBODY;
        if (who.join("\n") === before.join("\n")) return before;
        this.told.set(thread, who);
        return who;
    }

    /** When the next of them is over. */
    next(now: number): number | null {
        for (const [user, { until }] of this.all) if (until <= now) this.all.delete(user);
        return this.all.size ? Math.min(...[...this.all.values()].map(({ until }) => until)) : null;
    }
}
