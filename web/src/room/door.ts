// Why a room is not followed or not written in, and what helps then. Pure.

import type { Entry } from "hubbub-sdk";
import { NOT_MEMBER } from "../people/people.ts";
import { isolated } from "../ui/names.ts";

export type Remedy = "join" | "create";

export interface End {
    text: string;
    /** What can be done, and what its button says. */
    remedy?: { does: Remedy; label: string };
}

export interface Before {
    me: string;
    room: string;
    state: "waiting" | "live" | "ended";
    /** The code of the protocol and the words, once it has ended. */
    code: number | null;
    problem: string | null;
    /** open, private or direct, once that is known. */
    kind: string | undefined;
    /** Whether one is a member; undefined: it is not known. */
    member: boolean | undefined;
    /** The last that the log said of one's own membership. */
    last: Entry | undefined;
}

/** The subscription was ended because the user is no member any more. */
const REMOVED = 2000;
const UNKNOWN_ROOM = 102;
const FORBIDDEN = 103;

const JOIN = { does: "join", label: "Join" } as const;

/** Null: nothing stands in the way. */
export function doorway({ me, room, state, code, problem, kind, member, last }: Before): End | null {
    if (state !== "ended") return member === false ? { text: NOT_MEMBER, remedy: JOIN } : null;
    const text = problem ?? "This room is not followed.";
    if (code === REMOVED) return removed(text, me, kind, last);
    if (code === UNKNOWN_ROOM) return { text, remedy: { does: "create", label: `Create “${isolated(room)}”` } };
    return code === FORBIDDEN && !/banned/.test(text) ? { text, remedy: JOIN } : { text };
}

/** Why a remedy did not help, and what it was to help against. */
export interface Failed {
    why: string;
    at: End | null;
}

/** The words of a remedy that failed, for as long as what it was to help against stands in the way. */
export function stillSaid(failed: Failed | null, end: End | null): string | null {
    const same = failed?.at?.text === end?.text && failed?.at?.remedy?.does === end?.remedy?.does;
    return failed && end && same ? failed.why : null;
}

/** Whether an entry is about one's own membership. */
export function aboutMe({ type, user }: Entry, me: string): boolean {
    return user === me && (type === "joined" || type === "left" || type === "banned");
}

function removed(why: string, me: string, kind: string | undefined, last: Entry | undefined): End {
    if (last?.type === "banned") return { text: "You were banned from this room." };
    const text = last?.type === "left" && last.from === me ? "You have left this room." : why;
    if ((kind ?? "open") !== "open") return { text: `${text} Whoever may can add you again.` };
    return { text, remedy: JOIN };
}
