// The list of rooms as it was last, for when the page opens without a connection: titles instead of ids, and rooms to go to.

import { useEffect, useMemo, useRef } from "react";
import type { RoomRow } from "hubbub-sdk";
import { useConnection } from "hubbub-sdk/react";
import { useOnline } from "../app/online.ts";
import { serverOf } from "../app/place.ts";
import { standingOf } from "../app/standing.ts";
import { forGood, Kept } from "../ui/store.ts";
import type { TitleOf } from "./titles.ts";

/** So many of those at the top. */
const MOST = 60;
/** It is written so often at most. */
const EVERY_MS = 1_000;

export interface Last {
    rooms: readonly RoomRow[];
}

/** As little of the list as draws it. A room that was called after its people has that as its name. */
export function lastOf(rooms: readonly RoomRow[], titleOf: TitleOf, before: readonly RoomRow[] = []): RoomRow[] {
    const names = new Map(before.map(({ id, name }) => [id, name]));
    return rooms.slice(0, MOST).map((room) => {
        const { id, kind, name, topic, preferences } = room;
        const { pinned, hidden, notify } = preferences ?? {};
        const title = titleOf(room);
        // Whose people have not been asked for yet keeps the name that it had.
        const called = title === id ? (name ?? names.get(id)) : title;
        const kept = { ...(pinned && { pinned }), ...(hidden && { hidden }), ...(notify && notify !== "all" && { notify }) };
        return { id, kind, head: 0, ...(called && { name: called }), ...(topic && { topic }), ...(preferences && { preferences: kept }) } as RoomRow;
    });
}

const all = new Map<string, Kept<Last>>();

/** What this browser keeps of somebody's list. */
function keptOf(user: string): Kept<Last> {
    const name = `hubbub rooms ${serverOf(location.href, user)}`;
    let kept = all.get(name);
    if (!kept) all.set(name, (kept = new Kept<Last>(name, { rooms: [] }, forGood)));
    return kept;
}

export function lastRooms(user: string): readonly RoomRow[] {
    const { rooms } = keptOf(user).snapshot();
    return Array.isArray(rooms) ? rooms : [];
}

/** What a room was called last; undefined: it was not in the list, or had no name. */
export function lastTitle(user: string, id: string): string | undefined {
    return lastRooms(user).find((room) => room.id === id)?.name;
}

/** The rooms as they are told; where they are not known and there is no connection, as they were last. */
export function useKnownRooms(user: string, told: readonly RoomRow[], known: boolean): readonly RoomRow[] {
    const { kind } = standingOf(useConnection(), useOnline());
    const last = !known && !told.length && (kind === "offline" || kind === "away");
    return useMemo(() => (last ? lastRooms(user) : told), [last, told, user]);
}

/** Keeps the list, once it is known. */
export function useLast(user: string, rooms: readonly RoomRow[], known: boolean, titleOf: TitleOf): void {
    const now = useRef({ rooms, titleOf });
    now.current = { rooms, titleOf };
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    useEffect(() => {
        if (!known || timer.current !== undefined) return;
        timer.current = setTimeout(() => {
            timer.current = undefined;
            const next = lastOf(now.current.rooms, now.current.titleOf, lastRooms(user));
            if (JSON.stringify(next) !== JSON.stringify(lastRooms(user))) keptOf(user).change({ rooms: next });
        }, EVERY_MS);
    }, [user, rooms, known, titleOf]);
}
