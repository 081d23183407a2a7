// Who has seen what: under the newest message that each has seen. Pure.

import type { Shown } from "./fold.ts";
import type { Words } from "./names.ts";

/** How far each has read. */
export type Reads = ReadonlyMap<string, number>;

/** In larger rooms the server says nothing of it. */
export const RECEIPTS_MEMBERS = 100;
const NAMED = 4;

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

/** `others`: so many people could have seen it. */
export function seenWords(users: readonly string[], others: number): Words {
    if (users.length > 1 && users.length === others) return ["Seen by everybody"];
    const named = users.slice(0, users.length > NAMED + 1 ? NAMED : users.length);
    const more = users.length - named.length;
    const words = named.flatMap((name, nth) => {
        const last = nth > 0 && nth === named.length - 1 && !more;
        return [nth === 0 ? "Seen by " : last ? " and " : ", ", { name }];
    });
    return more ? [...words, ` and ${more} more`] : words;
}
