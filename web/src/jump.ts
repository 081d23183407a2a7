// Where a message is that somebody wants to see. Pure.

import type { Shown } from "../../sdk/src/fold.ts";

export interface Jump {
    /** The thread that has it; the room shows it where there is none. */
    thread?: number;
    /** The panel lies over the room and has to go. */
    closes: boolean;
}

/** `covers`: a panel is open and leaves nothing of the room to be seen. */
export function jump({ thread, in_room }: Pick<Shown, "thread" | "in_room">, covers: boolean): Jump {
    if (thread !== undefined && !in_room) return { thread, closes: false };
    return { closes: covers };
}
