// A room that was marked as unread is so until it is opened the next time.

import { useEffect, useRef } from "react";
import type { Chat, RoomRow } from "hubbub-sdk";

/** Told of the open room again and again: says once, for each time it is opened, whether its mark is to be taken away. */
export class Opened {
    private looked: string | null = null;

    ends(open: string, known: boolean, room: RoomRow | undefined): boolean {
        if (!known || open === this.looked) return false;
        this.looked = open;
        return room?.preferences?.unread_from !== undefined;
    }
}

export function useMarks(chat: Chat, rooms: readonly RoomRow[], known: boolean, open: string): void {
    const opened = useRef<Opened | null>(null);
    useEffect(() => {
        opened.current ??= new Opened();
        const room = rooms.find(({ id }) => id === open);
        // Where that is refused the room looks unread, and no more.
        if (opened.current.ends(open, known, room)) chat.call("set_preferences", { room: open, unread_from: null }).catch(() => {});
    }, [chat, rooms, known, open]);
}
