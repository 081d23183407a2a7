// What becomes of a text that is sent: who is mentioned, what it answers, where it goes. Pure.

import { TEXT_BYTES, type Saying, type Shown } from "hubbub-sdk";
import type { Mode } from "../room/actions.ts";
import { mentioned } from "./mentions.ts";

export interface Where {
    thread?: number;
    /** Also in the room. */
    in_room?: boolean;
    answers?: Shown;
}

export function saying(text: string, members: Iterable<string>, { thread, in_room, answers }: Where): Saying {
    return {
        text,
        ...mentioned(text, members),
        ...(thread !== undefined && { thread, ...(in_room && { in_room }) }),
        ...(answers && { reply_to: answers.seq }),
    };
}

/** What an edit says: whoever was mentioned before may have left since. */
export function editing(text: string, members: Iterable<string>, before: Shown): object {
    return {
        target: before.seq,
        text,
        ...mentioned(text, [...members, ...(before.mentions ?? [])]),
        ...(before.data !== undefined && { data: before.data }),
    };
}

/** What stands in a box once something else is written in it. `kept`: what waits of a draft, and of the edit that begins. */
export function boxed(text: string, before: Mode | null, now: Mode | null, kept: { draft: string; edit: string | null }): string {
    if (now?.does === "edit") return kept.edit ?? now.entry.text ?? "";
    return before?.does === "edit" ? kept.draft : text;
}

/** Why a text cannot be sent, in words; null: it can. */
export function tooLong(text: string): string | null {
    const bytes = new TextEncoder().encode(text).length;
    return bytes > TEXT_BYTES ? `This text has ${bytes} bytes; a message has at most ${TEXT_BYTES}.` : null;
}
