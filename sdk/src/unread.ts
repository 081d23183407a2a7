// One's rooms and what is unread in them: as the server told, and what hints say since. Pure.

import type { Settings } from "./fold.ts";
import type { Hint } from "./link.ts";

/** Counted so far and no further. */
export interface Counted {
    count: number;
    more?: boolean;
}

/** How a room is shown to oneself. */
export interface Preferences {
    /** What one is told of: `all`, `mentions` or `nothing`. */
    notify: string;
    /** Whether it stands before the others. */
    pinned: boolean;
    /** Whether it is left out. */
    hidden: boolean;
    /** The entry from which on it was marked as unread. */
    unread_from?: number;
}

/** A room as `rooms` tells of it, as far as the page needs it. */
export interface Room {
    id: string;
    kind: string;
    name: string;
    topic?: string;
    head: number;
    settings?: Settings;
    last?: { at: string };
    read?: number;
    unread?: Counted;
    mentions?: Counted;
    /** How it is shown to oneself; absent: as all are. */
    preferences?: Preferences;
}

export interface Rooms {
    all: ReadonlyMap<string, Room>;
    /** Something has happened there since they were told: to be asked again. */
    stale: ReadonlySet<string>;
    /** Hints may have been lost: all are to be asked again. */
    lost: boolean;
}

const NONE: Counted = { count: 0 };

export const unknown: Rooms = { all: new Map(), stale: new Set(), lost: false };

/** A room as it is told now; undefined: it is none of one's own any more. */
export function told(now: Rooms, id: string, room: Room | undefined): Rooms {
    const all = new Map(now.all);
    if (room) all.set(id, room);
    else all.delete(id);
    return { ...now, all };
}

/** What was asked is on its way: hints that come from now on are asked for once more. */
export function asking(now: Rooms, id?: string): Rooms {
    if (id === undefined) return { ...now, stale: new Set(), lost: false };
    return { ...now, stale: new Set([...now.stale].filter((one) => one !== id)) };
}

/** All have been told: whichever is not among them is none of one's own. */
export function only(now: Rooms, listed: ReadonlySet<string>): Rooms {
    return { ...now, all: new Map([...now.all].filter(([id]) => listed.has(id))) };
}

/** They after a hint. `here`: this room is being read, so nothing in it will be unread. */
export function hinted(now: Rooms, { type, room: id, head = 0, seq = 0 }: Hint, here?: string): Rooms {
    if (type === "missed" || type === "watching") return { ...now, lost: true };
    if (id === undefined) return now;
    switch (type) {
        case "activity":
            if (id === here && now.all.has(id)) return raised(now, id, head);
            return stale(raised(now, id, head), id);
        case "mention":
            return id === here ? now : stale(now, id);
        case "added":
        case "preferences":
            return stale(now, id);
        case "removed":
            // An answer that is on its way may still have it.
            return stale(told(now, id, undefined), id);
        case "read":
            return readTo(now, id, seq, true);
        default:
            return now;
    }
}

/** One has read so far. `asked`: an answer is on its way that may have counted before. */
export function readTo(now: Rooms, id: string, seq: number, asked: boolean): Rooms {
    const before = now.all.get(id);
    if (!before) return now;
    const room = unmarked(before, seq);
    // What was marked as unread ends with it, also where the mark is further.
    if (seq <= (room.read ?? 0)) return room === before ? now : told(now, id, room);
    const read = { ...room, read: seq };
    if (seq < room.head) return stale(told(now, id, read), id);
    const none = told(now, id, { ...read, unread: NONE, mentions: NONE });
    return asked ? stale(none, id) : none;
}

/** It is marked as unread no more where one has read from there on. */
function unmarked(room: Room, seq: number): Room {
    if (room.preferences?.unread_from === undefined || room.preferences.unread_from > seq) return room;
    const { unread_from: _, ...preferences } = room.preferences;
    return { ...room, preferences };
}

/** A message came in a room that is open. */
export function spoken(now: Rooms, id: string, at: string): Rooms {
    const room = now.all.get(id);
    return room ? told(now, id, { ...room, last: { at } }) : now;
}

function stale(now: Rooms, id: string): Rooms {
    return { ...now, stale: new Set([...now.stale, id]) };
}

function raised(now: Rooms, id: string, head: number): Rooms {
    const room = now.all.get(id);
    return room && room.head < head ? told(now, id, { ...room, head }) : now;
}

/** What is pinned comes first, what is archived last; among them, where something was said last. */
export function sorted({ all }: Rooms): Room[] {
    const placed = [...all.values()].map((room) => ({ room, place: placeOf(room), at: room.last ? Date.parse(room.last.at) : 0 }));
    const name = ({ name, id }: Room) => name || id;
    placed.sort((one, other) => one.place - other.place || other.at - one.at || name(one.room).localeCompare(name(other.room)));
    return placed.map(({ room }) => room);
}

function placeOf({ settings, preferences }: Room): number {
    return preferences?.pinned ? 0 : settings?.archived ? 2 : 1;
}

/** What a room is called: by its name, by the people of a direct room, by its topic, or by its id. */
export function titled({ id, name, topic }: Room, people: readonly string[] = []): string {
    return name || people.join(", ") || topic || id;
}

/** All that is unread, in messages, but for the room that is being read, and those that are hidden or of which one wants to hear nothing. */
export function total({ all }: Rooms, but?: string): Counted {
    let sum: Counted = NONE;
    for (const { id, unread = NONE, preferences } of all.values()) {
        if (id === but || preferences?.hidden || preferences?.notify === "nothing") continue;
        sum = { count: sum.count + unread.count, more: sum.more || unread.more === true };
    }
    return sum;
}

export function short({ count, more }: Counted): string {
    return more ? `${count}+` : String(count);
}

/** A count in words, for whoever hears it. */
export function long({ count, more }: Counted, one: string, many: string): string {
    return more ? `${count} or more ${many}` : `${count} ${count === 1 ? one : many}`;
}

const LOWEST = "-";
const ALPHABET = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const ROOM_ID_BYTES = 64;

/** The last id there can be before this one: the page of one room that begins behind it is this room. */
export function before(id: string): string | undefined {
    const start = id.slice(0, -1);
    const last = id.slice(-1);
    if (last === LOWEST) return start || undefined;
    const lower = ALPHABET[ALPHABET.indexOf(last) - 1] ?? LOWEST;
    return (start + lower).padEnd(ROOM_ID_BYTES, "z");
}
