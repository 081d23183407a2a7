// What stands in a timeline, one below the other: days, messages, lines, and where what is new begins. Pure.

import type { Draft, Row, Shown } from "hubbub-sdk";

export type Item =
    /** Nothing older is there. */
    | { kind: "start"; key: string }
    | { kind: "day"; key: string; at: string }
    | { kind: "new"; key: string }
    /** `first`: the author stands above it; it does not go on with what the same person said just before. */
    | { kind: "message"; key: string; entry: Shown; first: boolean }
    | { kind: "draft"; key: string; draft: Draft; first: boolean }
    /** What happened between two messages: one or several lines. */
    | { kind: "lines"; key: string; entries: readonly Shown[] };

const TOGETHER_MS = 5 * 60_000;

interface Before {
    day: string;
    /** When that begins. */
    midnight: number;
    /** Who spoke last, if nothing came in between. */
    from: string | null;
    at: number;
}

/** `rows` as the SDK has them, with the line before what is new; `complete`: they begin where the room does. */
export function items(rows: readonly Row[], me: string, complete: boolean): Item[] {
    const all: Item[] = complete ? [{ kind: "start", key: "start" }] : [];
    const before: Before = { day: "", midnight: -Infinity, from: null, at: 0 };
    for (const row of rows) {
        if (row.kind === "new") {
            all.push({ kind: "new", key: row.key });
            before.from = null;
            continue;
        }
        turned(all, before, row.kind === "entry" ? row.entry : row.draft);
        if (row.kind === "entry" && row.entry.type !== "message") line(all, before, row.key, row.entry);
        else said(all, before, row, me);
    }
    return all;
}

/** Days of messages, which are asked for again with each new one. */
const days = new WeakMap<object, string>();

function dayOf(of: { at: string }): string {
    let day = days.get(of);
    if (day === undefined) days.set(of, (day = new Date(of.at).toDateString()));
    return day;
}

/** The day, where it is another than before. */
function turned(all: Item[], before: Before, of: { at: string }): void {
    const { at } = of;
    const day = dayOf(of);
    // Of two clocks one may be behind, as around midnight: no day comes twice.
    if (day === before.day || Date.parse(at) < before.midnight) return;
    // What is new begins with its day.
    const last = all.at(-1)?.kind === "new" ? all.pop() : undefined;
    all.push({ kind: "day", key: `day ${day}`, at });
    if (last) all.push(last);
    before.day = day;
    before.midnight = new Date(at).setHours(0, 0, 0, 0);
    before.from = null;
}

function line(all: Item[], before: Before, key: string, entry: Shown): void {
    const last = all.at(-1);
    if (last?.kind === "lines") all[all.length - 1] = { ...last, entries: [...last.entries, entry] };
    else all.push({ kind: "lines", key: `line ${key}`, entries: [entry] });
    before.from = null;
}

function said(all: Item[], before: Before, row: Exclude<Row, { kind: "new" }>, me: string): void {
    const isDraft = row.kind === "draft";
    const { at, reply_to } = isDraft ? row.draft : row.entry;
    const from = isDraft ? me : row.entry.from;
    const time = Date.parse(at);
    const first = from !== before.from || reply_to !== undefined || Math.abs(time - before.at) >= TOGETHER_MS;
    before.from = from;
    before.at = time;
    all.push(itemOf(row, first));
}

const made = new WeakMap<object, Item & { first: boolean }>();

/** The same item for as long as nothing of it has changed. */
function itemOf(row: Exclude<Row, { kind: "new" }>, first: boolean): Item {
    const of = row.kind === "draft" ? row.draft : row.entry;
    let item = made.get(of);
    if (item?.first !== first || item.key !== row.key) {
        item = row.kind === "draft" ? { kind: "draft", key: row.key, draft: row.draft, first } : { kind: "message", key: row.key, entry: row.entry, first };
        made.set(of, item);
    }
    return item;
}

/** Whether it begins elsewhere: something came before what was there, or the first of it went. */
export function shifted(before: readonly Item[], now: readonly Item[]): boolean {
    if (before === now) return false;
    return behind(before, now) || behind(now, before);
}

/** So many rows fill most screens. */
const FIRST = 16;

/** What is drawn first, so that no row is drawn that nobody sees: from the item with this key, or up to the end. */
export function firstOf(wanted: readonly Item[], begins: string | null): readonly Item[] {
    const at = begins === null ? -1 : wanted.findIndex(({ key }) => key === begins);
    return at < 0 ? wanted.slice(-FIRST) : wanted.slice(at, at + FIRST);
}

/** What stands between two lists, where both ends of it change: only one end changes with each of the two steps. */
export function between(before: readonly Item[], now: readonly Item[]): readonly Item[] {
    const there = new Map(before.map(({ key }, nth) => [key, nth]));
    const isThere = ({ kind, key }: Item) => (kind === "message" || kind === "draft") && there.has(key);
    const first = now.findIndex(isThere);
    if (first < 0) return now;
    const last = now.findLastIndex(isThere);
    const [from, to] = [there.get(now[first]!.key)!, there.get(now[last]!.key)!];
    const same = (one: readonly Item[], other: readonly Item[]) => one.length === other.length && one.every(({ key }, nth) => key === other[nth]!.key);
    if (same(before.slice(0, from), now.slice(0, first)) || same(before.slice(to + 1), now.slice(last + 1))) return now;
    return [...now.slice(0, last + 1), ...before.slice(to + 1)];
}

/** Whether the first message of one stands further down in the other. */
function behind(one: readonly Item[], other: readonly Item[]): boolean {
    const nth = one.findIndex(({ kind }) => kind === "message" || kind === "draft");
    const anchor = one[nth];
    return anchor !== undefined && other.findIndex(({ key }) => key === anchor.key) > nth;
}

/** A day as people say it. */
export function dayWords(at: string, now: Date): string {
    const day = new Date(at);
    const ago = Math.round((midnight(now) - midnight(day)) / 86_400_000);
    if (ago === 0) return "Today";
    if (ago === 1) return "Yesterday";
    const year = day.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
    return day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", ...year });
}

function midnight(of: Date): number {
    return Date.UTC(of.getFullYear(), of.getMonth(), of.getDate());
}
