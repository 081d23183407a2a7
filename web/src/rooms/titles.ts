// What rooms are called: direct ones by the others in them, who are asked for where they are shown.

import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { Others, titled, type Chat, type RoomRow } from "hubbub-sdk";
import { useChat, useConnection } from "hubbub-sdk/react";
import { isSession, named, supportTitle } from "../support/forwarding.ts";

export type TitleOf = (room: RoomRow) => string;

/** So many are asked for one after the other, however many rooms somebody has. */
const SEARCHED = 100;

/** Those whose people are to be asked for: of what is listed, and of the rooms at the top where something is sought among all of them. */
export function nameless(listed: readonly RoomRow[], rooms: readonly RoomRow[], sought: string): string[] {
    const some = sought.trim() ? [...listed, ...rooms.slice(0, SEARCHED)] : listed;
    const asked = some.filter(({ id, kind, name }) => !name && (kind === "direct" || isSession(id)));
    return [...new Set(asked.map(({ id }) => id))];
}

/** What is known of the people of rooms, for all that shows titles. */
class Titles {
    private readonly listeners = new Set<() => void>();
    private readonly wanted = new Map<object, readonly string[]>();
    private readonly others: Others;
    /** Another with each that is known. */
    private version = 0;

    constructor(chat: Chat) {
        this.others = new Others({
            me: chat.user,
            members: async (room) => ({ members: await calledAfter(chat, room) }),
            changed: () => {
                this.version += 1;
                for (const listener of [...this.listeners]) listener();
            },
        });
    }

    readonly snapshot = (): number => this.version;

    readonly subscribe = (changed: () => void): (() => void) => {
        this.listeners.add(changed);
        return () => void this.listeners.delete(changed);
    };

    /** `who` wants these from now on; none: it shows no titles any more. */
    want(who: object, ids: readonly string[]): void {
        if (ids.length) this.wanted.set(who, ids);
        else this.wanted.delete(who);
        void this.others.want([...this.wanted.values()].flat());
    }

    people(id: string): readonly string[] | undefined {
        return this.others.of.get(id);
    }
}

const known = new WeakMap<Chat, Titles>();

function titlesOf(chat: Chat): Titles {
    let titles = known.get(chat);
    if (!titles) known.set(chat, (titles = new Titles(chat)));
    return titles;
}

/** Titles of rooms: another function when more is known. */
export function useTitles(): TitleOf {
    const titles = titlesOf(useChat());
    const version = useSyncExternalStore(titles.subscribe, titles.snapshot, titles.snapshot);
    return useCallback((room) => titleAs(room, titles.people(room.id)), [titles, version]);
}

/** Has the people of these rooms be asked for, for as long as it is shown. */
export function useAsking(ids: readonly string[]): void {
    const titles = titlesOf(useChat());
    const who = useRef({}).current;
    // Once more when the connection is back: who was asked for while it went is not known.
    const { state } = useConnection();
    useEffect(() => titles.want(who, ids), [titles, who, ids.join(" "), state]);
    useEffect(() => () => titles.want(who, []), [titles, who]);
}

/** `people`: whom it is called after, once that is known. A conversation with agents is one before it is known with whom. */
export function titleAs(room: RoomRow, people: readonly string[] | undefined): string {
    return titled(room, people?.map(named) ?? (isSession(room.id) ? [supportTitle(null)] : []));
}

/** What a room without a name is called after: the people of a direct one, the portal of a conversation with agents. */
async function calledAfter(chat: Chat, room: string): Promise<{ user: string }[]> {
    if (isSession(room)) return [{ user: supportTitle((await chat.call("session", { room })).portal) }];
    return [...(await chat.call("members", { room })).members];
}

/** The rooms whose title, topic or id has these words, in their order. */
export function found(rooms: readonly RoomRow[], sought: string, titleOf: TitleOf): RoomRow[] {
    const words = sought.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [...rooms];
    return rooms.filter((room) => {
        const text = [titleOf(room), room.topic ?? "", room.id].join(" ").toLocaleLowerCase();
        return words.every((word) => text.includes(word));
    });
}
