// That one was mentioned in another room is said aloud, once.

import { useEffect, useRef } from "react";
import type { RoomRow } from "hubbub-sdk";
import { announce } from "../ui/announce.tsx";
import { isolated } from "../ui/names.ts";
import type { TitleOf } from "./titles.ts";

/** The rooms with more mentions than before, but for the one that is open and those of which one wants to hear nothing. */
export function newlyMentioned(rooms: readonly RoomRow[], before: ReadonlyMap<string, number>, open: string): RoomRow[] {
    return rooms.filter((room) => room.id !== open && room.preferences?.notify !== "nothing" && (room.mentions?.count ?? 0) > (before.get(room.id) ?? 0));
}

export function useMentionNews(rooms: readonly RoomRow[], known: boolean, open: string, titleOf: TitleOf): void {
    const before = useRef<ReadonlyMap<string, number> | null>(null);
    useEffect(() => {
        if (!known) return;
        const fresh = before.current ? newlyMentioned(rooms, before.current, open) : [];
        if (fresh.length) announce(`You were mentioned in ${fresh.map((room) => isolated(titleOf(room))).join(", ")}.`);
        before.current = new Map(rooms.map(({ id, mentions }) => [id, mentions?.count ?? 0]));
    }, [rooms, known, open]);
}
