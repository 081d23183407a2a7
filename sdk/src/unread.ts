// One's rooms and what is unread in them: as the server told, and what hints say since. Pure.

import type { Settings } from "./fold.ts";
import type { Hint } from "./link.ts";

/** Counted so far and no further. */
export interface Counted {
    count: number;
    more?: boolean;
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
    /** How it is shown to oneself: what one is told of, whether it stands before the others, whether it is left out. */
    preferences?: { notify: string; pinned: boolean; hidden: boolean };
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
    const room = now.all.get(id);
    if (!room || seq <= (room.read ?? 0)) return now;
    const read = { ...room, read: seq };
    if (seq < room.head) return stale(told(now, id, read), id);
    const none = told(now, id, { ...read, unread: NONE, mentions: NONE });
    return asked ? stale(none, id) : none;
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

/** Where something was said last comes first, what is archived last. */
export function sorted({ all }: Rooms): Room[] {
    const place = ({ settings, last }: Room) => [settings?.archived ? 1 : 0, last ? -Date.parse(last.at) : 0] as const;
    return [...all.values()].sort((one, other) => {
        const [archived, at] = place(one);
        const [archivedToo, atToo] = place(other);
        return archived - archivedToo || at - atToo || (one.name || one.id).localeCompare(other.name || other.id);
    });
}

/** What a room is called: by its name, by the people of a direct room, by its topic, or by its id. */
export function titled({ id, name, topic }: Room, people: readonly string[] = []): string {
    return name || people.join(", ") || topic || id;
}

/** All that is unread, in messages, but for the room that is being read. */
export function total({ all }: Rooms, but?: string): Counted {
    let sum: Counted = NONE;
    for (const { id, unread = NONE } of all.values()) if (id !== but) sum = { count: sum.count + unread.count, more: sum.more || unread.more === true };
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
