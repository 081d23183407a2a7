// The thread that is open: its root, and a stretch of its replies without holes. Pure.

import { fold, type Entry, type FoldedPage } from "./fold.ts";
import { count, frozen, KEPT, LONG, newestOf, oldestOf } from "./stretch.ts";

export interface Thread {
    root: number;
    /** The root alone, once it is loaded. */
    message: FoldedPage | null;
    /** Replies, ascending; where they go on to the thread's end, the last page goes on with the log. None: nothing is loaded yet. */
    pages: readonly FoldedPage[];
    /** Whether the thread's beginning is loaded. */
    complete: boolean;
    /** Whether the replies go on to the thread's end. */
    ends: boolean;
    /** Whether somebody reads further up: where too many replies are held, the oldest stay. */
    above: boolean;
    /** Where it is another number, the replies have nothing to do with those before. */
    part: number;
}

/** Nothing of it is loaded. Where that one was open before, its root is. */
export function opened(root: number, before: Thread | null): Thread {
    const message = before?.root === root ? before.message : null;
    return { root, message, pages: [], complete: false, ends: true, above: false, part: (before?.part ?? 0) + 1 };
}

/** Where the next older page ends: undefined asks for the newest page; null: nothing older is there. */
export function olderReplies({ pages, complete }: Thread): number | undefined | null {
    if (!pages.length) return undefined;
    return complete ? null : (pages.flatMap((page) => page.entries)[0]?.seq ?? null);
}

/** Where the next newer page begins; null: the end is shown. */
export function newerReplies({ pages, ends }: Thread): number | null {
    return ends ? null : (pages.flatMap((page) => page.entries).at(-1)?.seq ?? null);
}

/** What was asked for above or below what is held. `none`: nothing is there. */
export function withReplies(thread: Thread, page: FoldedPage, below: boolean, none: boolean): Thread {
    const { pages } = thread;
    // A page may end early by weight, and the one that has the first or the last of them does not say so.
    const more = below ? { pages: [...pages, page], ends: none, above: false } : { pages: [page, ...pages], complete: none, above: pages.length > 0 };
    return bounded({ ...thread, ...more }, !below);
}

/** The thread after the next entry of the log. */
export function goesOn(thread: Thread, entry: Entry): Thread {
    const on = (page: FoldedPage) => fold(page, entry);
    return bounded({ ...thread, message: thread.message && on(thread.message), pages: thread.pages.map(on) }, thread.above);
}

/** At most so many are held: `low`: the oldest of them. */
function bounded(thread: Thread, low = false): Thread {
    const stretch = { pages: thread.pages, from: 0, to: 0 };
    if (count(stretch.pages) <= LONG) return thread;
    if (low) return { ...thread, pages: frozen(oldestOf(stretch, KEPT)).pages, ends: false };
    return { ...thread, pages: newestOf(stretch, KEPT).pages, complete: false };
}
