// A part of a log: pages that hold all that is shown between two of its numbers. Pure.

import type { FoldedPage, Shown } from "./fold.ts";

/** So many entries are shown at most … */
export const LONG = 600;
/** … and then so many stay, those nearest to where somebody reads. */
export const KEPT = 400;

export interface Stretch {
    /** Ascending. */
    pages: readonly FoldedPage[];
    /** All that is shown from this seq on … */
    from: number;
    /** … up to this one. */
    to: number;
}

/** A stretch that goes on with the log. */
export type End = Pick<Stretch, "pages" | "from">;

/** All that is there. */
export function held({ pages }: Pick<Stretch, "pages">): Shown[] {
    return pages.flatMap((page) => page.entries);
}

export function count(pages: readonly FoldedPage[]): number {
    return pages.reduce((sum, page) => sum + page.entries.length, 0);
}

/** The newest so many of it. The last page stays, also where it is empty: what is new stands on it. */
export function newestOf({ pages, from }: End, most: number): End {
    let over = count(pages) - most;
    if (over <= 0) return { pages, from };
    const kept = pages.flatMap((page, nth) => {
        const gone = Math.min(over, page.entries.length);
        over -= gone;
        const rest = gone ? { ...page, entries: page.entries.slice(gone) } : page;
        return rest.entries.length || nth === pages.length - 1 ? [rest] : [];
    });
    return { pages: kept, from: kept.find((page) => page.entries.length)?.entries[0]?.seq ?? from };
}

/** The oldest so many of it. */
export function oldestOf({ pages, from, to }: Stretch, most: number): Stretch {
    let left = most;
    const kept = pages.flatMap((page) => {
        const entries = page.entries.slice(0, left);
        left -= entries.length;
        return entries.length ? [{ ...page, entries }] : [];
    });
    return { pages: kept, from, to: left > 0 ? to : (kept.at(-1)?.entries.at(-1)?.seq ?? to) };
}

/** A stretch on which nothing new stands. */
export function frozen(stretch: Stretch): Stretch {
    return { ...stretch, pages: stretch.pages.map((page) => (page.newest ? { ...page, newest: false } : page)) };
}

/** The end with a stretch before it, where nothing lies between them; otherwise the stretch is away from it. */
export function joined<Held extends End>(end: Held, stretch: Stretch): Held & { away: Stretch | null } {
    if (stretch.to + 1 < end.from) return { ...end, away: stretch };
    if (stretch.from >= end.from) return { ...end, away: null };
    const before = stretch.pages.map((page) => ({ ...page, entries: page.entries.filter(({ seq }) => seq < end.from) }));
    return { ...end, pages: [...before.filter(({ entries }) => entries.length), ...end.pages], from: stretch.from, away: null };
}
