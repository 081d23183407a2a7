// What of the hints is worth a notification. Pure.

import type { Entry, Hint } from "hubbub-sdk";

const LONGEST = 140;

/** The message that is to be told of; null: none. `notify`: what one wants to be told of that room, as `set_preferences` has it. */
export function toldOf({ type, room, seq, head }: Hint, notify = "all"): { room: string; seq: number } | null {
    if (room === undefined || notify === "nothing") return null;
    if (type === "mention" && seq !== undefined) return { room, seq };
    return notify !== "mentions" && type === "activity" && room.startsWith("direct.") && head !== undefined ? { room, seq: head } : null;
}

/** What is said of it; null: nothing, as of what is deleted by then, or by somebody whom one has blocked. */
export function toldAs(message: Pick<Entry, "type" | "from" | "text" | "gone"> | undefined, me: string, blocked: ReadonlySet<string>): string | null {
    if (message?.type !== "message" || message.from === me || message.gone || blocked.has(message.from)) return null;
    return `${message.from}: ${(message.text ?? "").slice(0, LONGEST)}`;
}
