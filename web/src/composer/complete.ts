// Names that are offered while somebody writes `@`. Pure.

import type { CalledBy } from "../people/called.ts";

export interface Asked {
    /** Where the `@` stands. */
    from: number;
    /** What is behind it. */
    prefix: string;
}

export interface Offer {
    /** What is written for it, without the `@`. */
    id: string;
    name: string;
}

const OFFERS = 8;
const LONGEST = 64;

/** What is being asked for at the caret; null: nothing. */
export function asked(text: string, caret: number): Asked | null {
    const before = text.slice(Math.max(0, caret - LONGEST), caret);
    const match = /(?:^|[^\p{L}\p{N}_])@([^\s@]*)$/u.exec(before);
    return match ? { from: caret - match[1]!.length - 1, prefix: match[1]! } : null;
}

/** Who begins so comes first, then who has it in their name. Everybody comes last. */
export function offers(prefix: string, people: Iterable<string>, called: CalledBy, everybody: boolean): Offer[] {
    const sought = prefix.toLocaleLowerCase();
    const all = [...people].map((id) => ({ id, name: called(id) }));
    const begins = all.filter(({ id, name }) => [id, name].some((one) => one.toLocaleLowerCase().startsWith(sought)));
    const has = all.filter((one) => !begins.includes(one) && [one.id, one.name].some((word) => word.toLocaleLowerCase().includes(sought)));
    const all_ = everybody && "all".startsWith(sought) ? [{ id: "all", name: "everybody" }] : [];
    return [...begins, ...has].slice(0, OFFERS - all_.length).concat(all_);
}

/** The text with the name in place of what was asked, and where the caret is then. */
export function completed(text: string, { from, prefix }: Asked, { id }: Offer): { text: string; caret: number } {
    const rest = text.slice(from + 1 + prefix.length);
    const word = `@${id}${/^\s/.test(rest) ? "" : " "}`;
    return { text: text.slice(0, from) + word + rest, caret: from + word.length + (/^\s/.test(rest) ? 1 : 0) };
}
