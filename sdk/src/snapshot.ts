// What a room looks like at one moment. Pure.

import type { Shown } from "./fold.ts";
import type { Reads } from "./receipts.ts";
import { older, olderReplies, pinnedNow, replies, rows, type Row, type Timeline } from "./timeline.ts";
import type { OthersTyping } from "./typing.ts";

export interface RoomSnapshot {
    id: string;
    /** `waiting`: the room's log is not followed yet, or not now. `ended`: it is over, `problem` says why. */
    state: "waiting" | "live" | "ended";
    /** Once it has ended: the code of the protocol that says why. */
    code: number | null;
    /** What is wrong, in words. */
    problem: string | null;
    /** Ascending: entries, and drafts that are not in the log yet. */
    rows: readonly Row[];
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
    rows: readonly Row[];
    complete: boolean;
}

/** `typing`: who types at `now`. */
export function shownOf(
    standing: Pick<RoomSnapshot, "id" | "state" | "code" | "problem" | "loading" | "reads" | "known" | "since">,
    timeline: Timeline,
    typing: OthersTyping,
    now: number,
): RoomSnapshot {
    const { thread } = timeline;
    return {
        ...standing,
        rows: rows(timeline),
        complete: timeline.epoch !== null && older(timeline) === null,
        head: timeline.head,
        thread: thread && {
            root: thread.root,
            message: thread.message?.entries[0] ?? null,
            rows: replies(timeline),
            complete: olderReplies(thread) === null,
        },
        pins: pinnedNow(timeline),
        typing: typing.who(undefined, now),
        typingInThread: thread ? typing.who(thread.root, now) : [],
    };
}
