// What one person sees of a room: its pages as far as they are loaded, folded on with the log, the thread and the pins
// that are open, and what they said that is not in the log yet. Pure: every change is a step to the next timeline.

import { fold, type Entry, type FoldedPage, type Shown } from "./fold.ts";

export type { Entry, Shown } from "./fold.ts";

/** A page, as `messages`, `thread`, `pins` and `message` answer it. */
export interface Page {
    entries: Shown[];
    as_of: number;
    head: number;
    floor: number;
    epoch: string;
}

/** What goes into the log, and is the same with every attempt. */
export interface Saying {
    text: string;
    /** Any JSON of the product's own. */
    data?: unknown;
    mentions?: readonly string[];
    mention_all?: boolean;
    thread?: number;
    in_room?: boolean;
    reply_to?: number;
}

/** Something said that is not in the loaded log yet. The key is made once and goes with every attempt. */
export interface Draft extends Saying {
    key: string;
    at: string;
    state: "sending" | "stored" | "refused";
    /** Once stored. */
    seq?: number;
    /** Why it was refused, in words. */
    error?: string;
    /** Asking again does not help. */
    final?: boolean;
}

/** The thread that is open. */
export interface Thread {
    root: number;
    /** The root alone, once it is loaded. */
    message: FoldedPage | null;
    /** Its replies, ascending; the last page goes on with the log. None: nothing is loaded yet. */
    pages: readonly FoldedPage[];
    /** Whether the thread's beginning is loaded. */
    complete: boolean;
}

export interface Timeline {
    me: string;
    /** What seqs count in; null until the subscription has started. */
    epoch: string | null;
    /** Ascending; the last goes on with the log. */
    pages: readonly FoldedPage[];
    /** The newest entries of the log as they came: a page that was read before they were is folded on with them. */
    recent: readonly Entry[];
    /** The end of the log, as far as it is known. */
    head: number;
    /** The first seq that is kept, or the first that is shown where nothing older is. */
    floor: number;
    thread: Thread | null;
    /** The pinned messages, once they are loaded. */
    pins: FoldedPage | null;
    drafts: readonly Draft[];
}

export type Step =
    | { do: "start"; epoch: string; head: number }
    /** What was kept of an earlier time, up to where the log is followed on. */
    | { do: "restore"; epoch: string; page: FoldedPage; floor: number }
    /** `before`: what was asked for; an answer to another question than is open now is dropped. */
    | { do: "page"; page: Page; before?: number }
    | { do: "live"; entry: Entry }
    /** The newest stay. */
    | { do: "trim" }
    | { do: "open thread"; root: number }
    | { do: "close thread" }
    | { do: "root"; root: number; page: Page }
    | { do: "replies"; root: number; page: Page; before?: number; }
    | { do: "pins"; page: Page }
    | ({ do: "draft"; key: string; at: string } & Saying)
    | { do: "stored"; key: string; seq: number; epoch: string }
    | { do: "refused"; key: string; error: string; final?: boolean }
    | { do: "again"; key: string }
    | { do: "discard"; key: string };

export type Row = { kind: "entry"; key: string; entry: Shown } | { kind: "draft"; key: string; draft: Draft } | NewRow;

/** What stands before the first message that is new. */
export interface NewRow {
    kind: "new";
    key: string;
}

/** A page that was read longer ago than these cannot be folded on: it is asked for again. */
const RECENT = 512;

/** Where a log is trimmed, so much of it stays: more than of the newest entries, so that what goes is older than those. */
export const KEPT = 2 * RECENT + 1;

/** Whoever reads the end of a busy room for hours has so many entries at most. */
const LONG = 3_000;

export function empty(me: string): Timeline {
    const none = { pages: [], recent: [], thread: null, pins: null, drafts: [] };
    return { me, epoch: null, head: 0, floor: 0, ...none };
}

export function step(now: Timeline, action: Step): Timeline {
    switch (action.do) {
        case "start":
            // A fresh cursor: what was loaded may belong to another history. What is not sent yet stays.
            return {
                ...now,
                epoch: action.epoch,
                pages: [{ me: now.me, asOf: action.head, newest: true, entries: [] }],
                recent: [],
                head: action.head,
                floor: 0,
                thread: now.thread && opened(now.thread.root),
                pins: null,
                drafts: now.drafts.filter((draft) => draft.state !== "stored"),
            };
        case "restore":
            return { ...now, epoch: action.epoch, pages: [action.page], recent: [], head: action.page.asOf, floor: action.floor, drafts: without(now, action.page.entries) };
        case "page":
            return paged(now, action.page, action.before);
        case "live":
            return live(now, action.entry);
        case "trim":
            return trimmed(now);
        case "open thread":
            return { ...now, thread: opened(action.root) };
        case "close thread":
            return { ...now, thread: null };
        case "root":
        case "replies":
            return threaded(now, action);
        case "pins": {
            const pins = caughtUp(now, action.page, {});
            return pins ? { ...now, pins } : now;
        }
        case "draft": {
            const { do: _, ...draft } = action;
            return { ...now, drafts: [...now.drafts, { ...draft, state: "sending" }] };
        }
        case "stored":
            return stored(now, action.key, action.seq, action.epoch);
        case "refused":
            return change(now, action.key, (draft) => {
                const { error, final = false } = action;
                return { ...draft, state: "refused", error, ...(final && { final }) };
            });
        case "again":
            return change(now, action.key, ({ error: _, ...draft }) => ({ ...draft, state: "sending" }));
        case "discard":
            return { ...now, drafts: now.drafts.filter((draft) => draft.key !== action.key) };
    }
}

/** What the room shows, in order: its pages with stored drafts at their seq, then what is still on its way. */
export function rows(now: Timeline): Row[] {
    return withDrafts(now, entries(now), (draft) => draft.thread === undefined || draft.in_room === true);
}

/** The same of the open thread, below its root. */
export function replies(now: Timeline): Row[] {
    const { thread } = now;
    if (!thread) return [];
    return withDrafts(now, thread.pages.flatMap((page) => page.entries), (draft) => draft.thread === thread.root);
}

/** What the room shows of the log. */
export function entries(now: Timeline): Shown[] {
    return now.pages.flatMap((page) => page.entries);
}

/** A message, wherever it is shown. */
export function shownAs(now: Timeline, seq: number): Shown | undefined {
    const { thread, pins } = now;
    const others = [...(thread?.pages ?? []), thread?.message, pins].filter((page) => page != null);
    for (const page of [...now.pages, ...others]) {
        const found = page.entries.find((entry) => entry.seq === seq);
        if (found) return found;
    }
    return undefined;
}

/** Where the next older page ends, or null when there is nothing older. */
export function older(now: Timeline): number | null {
    if (now.epoch === null) return null;
    // What came since the start and is not shown, such as a reaction, lies behind it.
    const before = Math.min(entries(now)[0]?.seq ?? Infinity, now.recent[0]?.seq ?? now.head + 1);
    return before > Math.max(1, now.floor) ? before : null;
}

/** The same of the open thread: undefined asks for its newest page. */
export function olderReplies({ pages, complete }: Thread): number | undefined | null {
    if (!pages.length) return undefined;
    return complete ? null : (pages.flatMap((page) => page.entries)[0]?.seq ?? null);
}

/** What is pinned, ascending. */
export function pinnedNow({ pins }: Timeline): Shown[] {
    return pins?.entries.filter((entry) => entry.pinned) ?? [];
}

/** The drafts that have no answer yet, oldest first. */
export function unsent(now: Timeline): Draft[] {
    return now.drafts.filter((draft) => draft.state === "sending");
}

/** Whether a refused draft can be sent again: not under a root that was deleted. */
export function mayGoAgain(now: Timeline, { final, thread }: Draft): boolean {
    return !final && !(thread !== undefined && shownAs(now, thread)?.gone);
}

function withDrafts(now: Timeline, entries: readonly Shown[], here: (draft: Draft) => boolean): Row[] {
    const shown: Row[] = entries.map((entry) => ({ kind: "entry", key: rowKey(now, entry), entry }));
    const seqOf = (row: Row) => (row.kind === "entry" ? row.entry.seq : row.kind === "draft" ? (row.draft.seq ?? Infinity) : 0);
    for (const draft of now.drafts.filter(here)) {
        const row: Row = { kind: "draft", key: `draft ${draft.key}`, draft };
        const seq = draft.seq ?? Infinity;
        let at = shown.length;
        while (at > 0 && seqOf(shown[at - 1]!) > seq) at -= 1;
        shown.splice(at, 0, row);
    }
    return shown;
}

// A message of mine keeps the row it had as a draft, so that it does not flicker when it arrives.
function rowKey(now: Timeline, entry: Entry): string {
    return entry.from === now.me && entry.type === "message" ? `draft ${entry.key}` : `seq ${entry.seq}`;
}

function opened(root: number): Thread {
    return { root, message: null, pages: [], complete: false };
}

function change(now: Timeline, key: string, how: (draft: Draft) => Draft): Timeline {
    return { ...now, drafts: now.drafts.map((draft) => (draft.key === key ? how(draft) : draft)) };
}

function stored(now: Timeline, key: string, seq: number, epoch: string): Timeline {
    // Acknowledged in a history that is no longer shown; or the log has come past it, and a page shows it or will.
    const elsewhere = epoch !== now.epoch || seq <= followed(now);
    if (elsewhere) return { ...now, drafts: now.drafts.filter((draft) => draft.key !== key) };
    return change(now, key, (draft) => ({ ...draft, state: "stored", seq }));
}

/** Up to where the log has come. */
export function followed(now: Timeline): number {
    return now.pages.at(-1)?.asOf ?? 0;
}

function live(now: Timeline, entry: Entry): Timeline {
    if (entry.seq <= followed(now)) return now;
    const on = (page: FoldedPage) => fold(page, entry);
    const { thread, pins } = now;
    const recent = now.recent.length < 2 * RECENT ? now.recent : now.recent.slice(-RECENT);
    return {
        ...now,
        pages: now.pages.map(on),
        recent: [...recent, entry],
        head: Math.max(now.head, entry.seq),
        thread: thread && { ...thread, message: thread.message && on(thread.message), pages: thread.pages.map(on) },
        pins: pins && on(pins),
        drafts: without(now, [entry]),
    };
}

function length({ pages }: Timeline): number {
    return pages.reduce((sum, page) => sum + page.entries.length, 0);
}

/** Whether so much of the log is loaded that it had better be trimmed. */
export function isLong(now: Timeline): boolean {
    return length(now) > LONG;
}

// What goes is older again, and is loaded when somebody reads up to there.
function trimmed(now: Timeline): Timeline {
    let over = length(now) - KEPT;
    if (over <= 0) return now;
    const pages = now.pages.flatMap((page, nth) => {
        const gone = Math.min(over, page.entries.length);
        over -= gone;
        const rest = { ...page, entries: page.entries.slice(gone) };
        return rest.entries.length || nth === now.pages.length - 1 ? [rest] : [];
    });
    return { ...now, pages };
}

function without(now: Timeline, arrived: readonly Entry[]): readonly Draft[] {
    const keys = new Set(arrived.filter((entry) => entry.from === now.me).map((entry) => entry.key));
    return now.drafts.some((draft) => keys.has(draft.key)) ? now.drafts.filter((draft) => !keys.has(draft.key)) : now.drafts;
}

function paged(now: Timeline, page: Page, before?: number): Timeline {
    if (before !== undefined && before !== older(now)) return now;
    const folded = caughtUp(now, page, {});
    if (!folded) return now;
    const known = new Set(entries(now).map((entry) => entry.seq));
    const more = { ...folded, entries: folded.entries.filter((entry) => !known.has(entry.seq)) };
    // Nothing is shown below: whatever comes before is no message.
    const nothing = page.entries.length === 0 ? (older(now) ?? 0) : 0;
    return {
        ...now,
        pages: [more, ...now.pages],
        head: Math.max(now.head, page.head),
        floor: Math.max(now.floor, page.floor, nothing),
        drafts: without(now, page.entries),
    };
}

function threaded(now: Timeline, action: Step & { do: "root" | "replies" }): Timeline {
    const { thread } = now;
    if (thread?.root !== action.root) return now;
    if (action.do === "root") {
        const message = caughtUp(now, action.page, {});
        return message ? { ...now, thread: { ...thread, message } } : now;
    }
    if (action.before !== (olderReplies(thread) ?? undefined)) return now;
    const newest = action.before === undefined;
    const folded = caughtUp(now, action.page, { thread: thread.root, newest });
    if (!folded) return now;
    // A page may end early by weight, and the one that has the first of them does not say so.
    const complete = action.page.entries.length === 0;
    return { ...now, thread: { ...thread, pages: [folded, ...thread.pages], complete }, drafts: without(now, action.page.entries) };
}

/** The page as of what the log has come to. Null: it is of another history, or what came since is not there any more. */
function caughtUp(now: Timeline, page: Page, kind: { thread?: number; newest?: boolean }): FoldedPage | null {
    if (page.epoch !== now.epoch) return null;
    const folded = { me: now.me, asOf: page.as_of, newest: false, ...kind, entries: page.entries };
    const first = now.recent[0]?.seq ?? followed(now) + 1;
    return page.as_of + 1 < first ? null : now.recent.reduce(fold, folded);
}
