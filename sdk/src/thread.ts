// The thread that is open: its root, and a stretch of its replies without holes. Pure.

import { fold, type Entry, type FoldedPage } from "./fold.ts";
import { count, frozen, held, KEPT, LONG, newestOf, oldestOf } from "./stretch.ts";

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
}

/** Nothing of it is loaded yet. */
export function opened(root: number): Thread {
    return { root, message: null, pages: [], complete: false, ends: true };
}

/** Where the next older page ends: undefined asks for the newest page; null: nothing older is there. */
export function olderReplies(thread: Thread): number | undefined | null {
    if (!thread.pages.length) return undefined;
    return thread.complete ? null : (held(thread)[0]?.seq ?? null);
}

/** Where the next newer page begins; null: the end is shown. */
export function newerReplies(thread: Thread): number | null {
    return thread.ends ? null : (held(thread).at(-1)?.seq ?? null);
}

/** What was asked for above or below what is held. `none`: nothing is there. */
export function withReplies(thread: Thread, page: FoldedPage, below: boolean, none: boolean): Thread {
    const { pages } = thread;
    // A page may end early by weight, and the one that has the first or the last of them does not say so.
    const more = below ? { pages: [...pages, page], ends: none } : { pages: [page, ...pages], complete: none };
    return bounded({ ...thread, ...more }, !below);
}

/** The thread after the next entry of the log. What somebody reads stays: whoever is at the end asks for the rest of it then. */
export function goesOn(thread: Thread, entry: Entry): Thread {
    const on = (page: FoldedPage) => fold(page, entry);
    return bounded({ ...thread, message: thread.message && on(thread.message), pages: thread.pages.map(on) }, true, LONG);
}

/** At most so many are held: `low`: the oldest of them. */
function bounded(thread: Thread, low: boolean, most = KEPT): Thread {
    const stretch = { pages: thread.pages, from: 0, to: 0 };
    if (count(stretch.pages) <= LONG) return thread;
    if (low) return { ...thread, pages: frozen(oldestOf(stretch, most)).pages, ends: false };
    return { ...thread, pages: newestOf(stretch, most).pages, complete: false };
}
