// What one person sees of a room: its pages as far as they are loaded, folded on with the log, the thread and the pins
// that are open, and what they said that is not in the log yet. Pure: every change is a step to the next timeline.

import { fold, type Entry, type FoldedPage, type Shown } from "./fold.ts";
import { count, frozen, held, joined, KEPT, LONG, newestOf, oldestOf, type Stretch } from "./stretch.ts";
import { goesOn, newerReplies, olderReplies, opened, withReplies, type Thread } from "./thread.ts";

export type { Entry, Shown } from "./fold.ts";
export { held, KEPT, LONG } from "./stretch.ts";

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

export interface Timeline {
    me: string;
    /** What seqs count in; null until the subscription has started. */
    epoch: string | null;
    /** The end of the log: ascending; the last goes on with the log. */
    pages: readonly FoldedPage[];
    /** From here on the pages have all that is shown. */
    from: number;
    /** What is shown instead of the end, where somebody reads further up than is held together with it. */
    away: Stretch | null;
    /** Where it is another number, what is shown has nothing to do with what was shown before. */
    part: number;
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
    | { do: "newer"; page: Page; after: number }
    /** A page that has to be shown now, wherever it is in the log. */
    | { do: "around"; page: Page }
    /** The end is shown again. */
    | { do: "end" }
    | { do: "live"; entry: Entry }
    /** Too much is held: the newest stay. */
    | { do: "trim" }
    /** Too much is held, and somebody reads further up: what is shown stays as it is, and the end goes on without it. */
    | { do: "leave" }
    | { do: "open thread"; root: number }
    | { do: "close thread" }
    | { do: "root"; root: number; page: Page }
    /** `before` or `after`: what was asked for; neither: the newest. */
    | { do: "replies"; root: number; page: Page; before?: number; after?: number }
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

/** Where something else is shown, at least so many of the newest are held, and twice as many at most. */
export const NEWEST = 100;

export function empty(me: string): Timeline {
    const none = { pages: [], recent: [], away: null, thread: null, pins: null, drafts: [] };
    return { me, epoch: null, head: 0, floor: 0, from: 1, part: 0, ...none };
}

export function step(now: Timeline, action: Step): Timeline {
    switch (action.do) {
        case "start":
            // A fresh cursor: what was loaded may belong to another history. What is not sent yet stays.
            return {
                ...now,
                epoch: action.epoch,
                pages: [{ me: now.me, asOf: action.head, newest: true, entries: [] }],
                from: action.head + 1,
                away: null,
                part: now.part + 1,
                recent: [],
                head: action.head,
                floor: 0,
                thread: now.thread && opened(now.thread.root),
                pins: null,
                drafts: now.drafts.filter((draft) => draft.state !== "stored"),
            };
        case "restore": {
            const { epoch, page, floor } = action;
            const from = page.entries[0]?.seq ?? page.asOf + 1;
            return { ...now, epoch, pages: [page], from, away: null, recent: [], head: page.asOf, floor, drafts: without(now, page.entries) };
        }
        case "page":
            return paged(now, action.page, action.before);
        case "live":
            return live(now, action.entry);
        case "newer":
            return further(now, action.page, action.after);
        case "around":
            return around(now, action.page);
        case "end":
            return now.away ? { ...now, away: null, part: now.part + 1 } : now;
        case "trim":
            return isLong(now) ? { ...now, ...newestOf(now, KEPT) } : now;
        case "leave":
            return isLong(now) ? apart(now, oldestOf({ ...now, to: followed(now) }, LONG)) : now;
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
    return now.away ? entries(now).map((entry) => rowOf(now, entry)) : newest(now);
}

/** The same of the end of the log, whatever is shown. */
export function newest(now: Timeline): Row[] {
    const end = held(now);
    return withDrafts(now, end, (draft) => draft.thread === undefined || draft.in_room === true);
}

/** The same of the open thread, below its root. */
export function replies(now: Timeline): Row[] {
    const { thread } = now;
    if (!thread) return [];
    // Drafts stand at the end.
    return withDrafts(now, held(thread), (draft) => draft.thread === thread.root && thread.ends);
}

/** What the room shows of the log. */
export function entries(now: Timeline): Shown[] {
    return held(now.away ?? now);
}

/** One's own newest joining and message at the end of the log, by seq; 0: none is there. */
export function ownNewest({ me, pages }: Timeline): { joined: number; own: number } {
    const loaded = held({ pages });
    const joined = loaded.findLast(({ type, user }) => type === "joined" && user === me)?.seq ?? 0;
    return { joined, own: loaded.findLast(({ type, from }) => type === "message" && from === me)?.seq ?? 0 };
}

/** A message, wherever it is shown. */
export function shownAs(now: Timeline, seq: number): Shown | undefined {
    const { thread, pins, away } = now;
    const others = [...(away?.pages ?? []), ...(thread?.pages ?? []), thread?.message, pins].filter((page) => page != null);
    for (const page of [...now.pages, ...others]) {
        const found = page.entries.find((entry) => entry.seq === seq);
        if (found) return found;
    }
    return undefined;
}

/** Where the next older page ends, or null when there is nothing older. */
export function older(now: Timeline): number | null {
    const { from } = now.away ?? now;
    return now.epoch !== null && from > Math.max(1, now.floor) ? from : null;
}

/** Where the next newer page begins, or null where the end is shown. */
export function newer({ away }: Timeline): number | null {
    return away && away.to;
}

/** What is pinned, ascending. */
export function pinnedNow({ pins }: Timeline): Shown[] {
    return pins?.entries.filter((entry) => entry.pinned) ?? [];
}

/** The drafts that have no answer yet, oldest first. */
export function unsent(now: Timeline): Draft[] {
    return now.drafts.filter((draft) => draft.state === "sending");
}

function withDrafts(now: Timeline, entries: readonly Shown[], here: (draft: Draft) => boolean): Row[] {
    const shown: Row[] = entries.map((entry) => rowOf(now, entry));
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

const made = new WeakMap<Shown, { me: string; row: Row }>();

/** The same row for as long as it is the same entry. */
function rowOf(now: Timeline, entry: Shown): Row {
    const before = made.get(entry);
    if (before?.me === now.me) return before.row;
    const row: Row = { kind: "entry", key: rowKey(now, entry), entry };
    made.set(entry, { me: now.me, row });
    return row;
}

// A message of mine keeps the row it had as a draft, so that it does not flicker when it arrives.
function rowKey(now: Timeline, entry: Entry): string {
    return entry.from === now.me && entry.type === "message" ? `draft ${entry.key}` : `seq ${entry.seq}`;
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
    const { thread, pins, away } = now;
    const recent = now.recent.length < 2 * RECENT ? now.recent : now.recent.slice(-RECENT);
    const pages = now.pages.map(on);
    return {
        ...now,
        ...(away && count(pages) > 2 * NEWEST ? newestOf({ pages, from: now.from }, NEWEST) : { pages }),
        away: away && { ...away, pages: away.pages.map(on) },
        recent: [...recent, entry],
        head: Math.max(now.head, entry.seq),
        thread: thread && goesOn(thread, entry),
        pins: pins && on(pins),
        drafts: without(now, [entry]),
    };
}

/** Whether so much of the end is held that it had better be trimmed, or left. */
export function isLong({ pages, away }: Timeline): boolean {
    return !away && count(pages) > LONG;
}

/** What is shown is not the end any more, of which only the newest are held. */
function apart(now: Timeline, stretch: Stretch): Timeline {
    return { ...now, ...newestOf(now, NEWEST), away: frozen(stretch) };
}

function without(now: Timeline, arrived: readonly Entry[]): readonly Draft[] {
    const keys = new Set(arrived.filter((entry) => entry.from === now.me).map((entry) => entry.key));
    return now.drafts.some((draft) => keys.has(draft.key)) ? now.drafts.filter((draft) => !keys.has(draft.key)) : now.drafts;
}

function paged(now: Timeline, page: Page, before?: number): Timeline {
    if (before !== undefined && before !== older(now)) return now;
    const folded = caughtUp(now, page, {});
    if (!folded) return now;
    const held = now.away ?? { ...now, to: followed(now) };
    const more = folded.entries.filter(({ seq }) => seq < held.from);
    const pages = [{ ...folded, entries: more }, ...held.pages];
    const stretch = { pages, from: more[0]?.seq ?? held.from, to: held.to };
    // Nothing is shown below: whatever comes before is no message.
    const nothing = page.entries.length === 0 ? (older(now) ?? 0) : 0;
    const next = { ...told(now, page), floor: Math.max(now.floor, page.floor, nothing) };
    if (count(pages) > LONG) return apart(next, oldestOf(stretch, KEPT));
    return now.away ? { ...next, away: stretch } : { ...next, pages, from: stretch.from };
}

function further(now: Timeline, page: Page, after: number): Timeline {
    const { away } = now;
    const folded = away?.to === after ? caughtUp(now, page, {}) : null;
    if (!away || !folded) return now;
    const more = folded.entries.filter(({ seq }) => seq > after);
    const to = more.at(-1)?.seq ?? Math.max(after, page.as_of);
    const next = joined(told(now, page), { pages: [...away.pages, { ...folded, entries: more }], from: away.from, to });
    if (!next.away) return isLong(next) ? { ...next, ...newestOf(next, KEPT) } : next;
    return count(next.away.pages) > LONG ? { ...next, away: { ...next.away, ...newestOf(next.away, KEPT) } } : next;
}

function around(now: Timeline, page: Page): Timeline {
    const folded = caughtUp(now, page, {});
    const [first] = page.entries;
    if (!folded || !first) return now;
    const next = joined(told(now, page), { pages: [folded], from: first.seq, to: page.entries.at(-1)!.seq });
    // Where it meets the end, and that is what was shown, only more is.
    const part = next.away || now.away ? now.part + 1 : now.part;
    if (next.away) return { ...next, ...newestOf(next, NEWEST), part };
    return { ...(isLong(next) ? apart(next, oldestOf({ ...next, to: followed(next) }, KEPT)) : next), part };
}

/** What a page says besides its entries. */
function told(now: Timeline, { head, floor, entries }: Page): Timeline {
    return { ...now, head: Math.max(now.head, head), floor: Math.max(now.floor, floor), drafts: without(now, entries) };
}

function threaded(now: Timeline, action: Step & { do: "root" | "replies" }): Timeline {
    const { thread } = now;
    if (thread?.root !== action.root) return now;
    if (action.do === "root") {
        const message = caughtUp(now, action.page, {});
        return message ? { ...now, thread: { ...thread, message } } : now;
    }
    const { page, before, after } = action;
    const below = after !== undefined;
    if ((below ? newerReplies : olderReplies)(thread) !== (after ?? before)) return now;
    const none = page.entries.length === 0;
    const newest = below ? none : before === undefined;
    const folded = caughtUp(now, page, { thread: thread.root, newest });
    return folded ? { ...now, thread: withReplies(thread, folded, below, none), drafts: without(now, page.entries) } : now;
}

/** The page as of what the log has come to. Null: it is of another history, or what came since is not there any more. */
function caughtUp(now: Timeline, page: Page, kind: { thread?: number; newest?: boolean }): FoldedPage | null {
    if (page.epoch !== now.epoch) return null;
    const folded = { me: now.me, asOf: page.as_of, newest: false, ...kind, entries: page.entries };
    const first = now.recent[0]?.seq ?? followed(now) + 1;
    return page.as_of + 1 < first ? null : now.recent.reduce(fold, folded);
}
