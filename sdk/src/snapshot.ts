// What a room looks like at one moment. Pure.

import type { Shown } from "./fold.ts";
import type { Reads } from "./receipts.ts";
import { newest, older, pinnedNow, replies, rows, type Row, type Timeline } from "./timeline.ts";
import { NOBODY, type OthersTyping } from "./typing.ts";

export interface RoomSnapshot {
    id: string;
    /** `waiting`: the room's log is not followed yet, or not now. `ended`: it is over, `problem` says why. */
    state: "waiting" | "live" | "ended";
    /** Once it has ended: the code of the protocol that says why. */
    code: number | null;
    /** What is wrong, in words. */
    problem: string | null;
    /** Ascending: entries, and drafts that are not in the log yet. At most 600 entries of the log. */
    rows: readonly Row[];
    /** Whether the rows go on to the end of the log. Where they do not, drafts are not among them. */
    ends: boolean;
    /** The rows at the end of the log; the same as `rows` where those go on to it. */
    newest: readonly Row[];
    /** Where it is another number, the rows have nothing to do with those before. */
    part: number;
    /** Whether nothing older is there. */
    complete: boolean;
    loading: boolean;
    /** The end of the log as far as it is known. */
    head: number;
    thread: ThreadSnapshot | null;
    pins: readonly Shown[];
    /** Who types in the room, and in the open thread. */
    typing: readonly string[];
    typingInThread: readonly string[];
    /** How far each has read, in rooms of at most 100 members. */
    reads: Reads;
    /** Whether it is known how far one has read; of members only. */
    known: boolean;
    /** What is new begins behind this entry; null: nothing is, or it is not known yet. */
    since: number | null;
}

export interface ThreadSnapshot {
    root: number;
    message: Shown | null;
    /** At most 600 replies. */
    rows: readonly Row[];
    /** Whether the rows go on to the thread's end. Where they do not, drafts are not among them. */
    ends: boolean;
    complete: boolean;
}

/** `typing`: who types at `now`. */
export function shownOf(
    standing: Pick<RoomSnapshot, "id" | "state" | "code" | "problem" | "loading" | "reads" | "known" | "since">,
    timeline: Timeline,
    typing: OthersTyping,
    now: number,
): RoomSnapshot {
    const { thread, part, away } = timeline;
    return {
        ...standing,
        rows: drawn(timeline).rows,
        newest: drawn(timeline).newest,
        ends: away === null,
        part,
        complete: timeline.epoch !== null && older(timeline) === null,
        head: timeline.head,
        thread: thread && {
            root: thread.root,
            message: thread.message?.entries[0] ?? null,
            rows: drawn(timeline).replies,
            ends: thread.ends,
            complete: thread.complete,
        },
        pins: pinnedNow(timeline),
        typing: typing.who(undefined, now),
        typingInThread: thread ? typing.who(thread.root, now) : NOBODY,
    };
}

const all = new WeakMap<Timeline, { rows: Row[]; newest: Row[]; replies: Row[] }>();

/** The same arrays for the same timeline. */
function drawn(timeline: Timeline): { rows: Row[]; newest: Row[]; replies: Row[] } {
    let one = all.get(timeline);
    if (!one) {
        const end = newest(timeline);
        all.set(timeline, (one = { rows: timeline.away ? rows(timeline) : end, newest: end, replies: replies(timeline) }));
    }
    return one;
}
