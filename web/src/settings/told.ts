// What of the hints is worth a notification. Pure.

import type { Hint } from "hubbub-sdk";

/** The message that is to be told of; null: none. */
export function toldOf({ type, room, seq, head }: Hint): { room: string; seq: number } | null {
    if (room === undefined) return null;
    if (type === "mention" && seq !== undefined) return { room, seq };
    return type === "activity" && room.startsWith("direct.") && head !== undefined ? { room, seq: head } : null;
}
