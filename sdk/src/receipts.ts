// Who has seen what: under the newest message that each has seen. Pure.

import type { Shown } from "./fold.ts";

/** How far each has read. */
export type Reads = ReadonlyMap<string, number>;

export function readFurther(reads: Reads, user: string, seq: number): Reads {
    return seq > (reads.get(user) ?? 0) ? new Map(reads).set(user, seq) : reads;
}

/** By the seq of a message, who has seen it and none after it. Who has written after it has said so themselves. */
export function seenBy(shown: readonly Shown[], reads: Reads, members: Iterable<string>, me: string): Map<number, string[]> {
    const messages = shown.filter(({ type }) => type === "message");
    const seen = new Map<number, string[]>();
    for (const user of members) {
        const mark = reads.get(user) ?? 0;
        const newest = messages.findLast(({ seq }) => seq <= mark);
        if (user === me || !newest || messages.some(({ from, seq }) => from === user && seq >= newest.seq)) continue;
        seen.set(newest.seq, [...(seen.get(newest.seq) ?? []), user]);
    }
    return seen;
}
