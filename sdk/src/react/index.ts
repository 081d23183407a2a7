// Hooks for React, over the same objects. What they return is the same object until something has changed.

import { createContext, createElement, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Chat, ConnectionSnapshot, RoomsSnapshot } from "../chat.ts";
import { Presence, type Seen } from "../presence.ts";
import type { Readable } from "../store.ts";
import type { Room } from "../room.ts";
import type { RoomSnapshot } from "../snapshot.ts";

const Context = createContext<Chat | null>(null);

/** Gives a chat to what is below. It connects once this is shown; whoever made the chat closes it. */
export function ChatProvider({ chat, children }: { chat: Chat; children?: ReactNode }): ReactNode {
    useEffect(() => chat.connect(), [chat]);
    return createElement(Context.Provider, { value: chat }, children);
}

/** The chat of the `ChatProvider` above. Throws where there is none. */
export function useChat(): Chat {
    const chat = useContext(Context);
    if (!chat) throw new Error("there is no ChatProvider above this component");
    return chat;
}

/**
 * A part of something that changes: of a room, or of `chat.rooms`. The component is drawn again only when `Object.is` tells the
 * part from the one before, so let it be what stays the same object, as `rows` and `typing` do, a number or a text.
 */
export function useSelector<Whole, Part>(of: Readable<Whole>, select: (whole: Whole) => Part): Part {
    const part = () => select(of.snapshot());
    return useSyncExternalStore(of.subscribe, part, part);
}

/** Whether there is a connection. */
export function useConnection(): ConnectionSnapshot {
    const { connection } = useChat();
    return useSyncExternalStore(connection.subscribe, connection.snapshot, connection.snapshot);
}

/** One's rooms with what is unread. */
export function useRooms(): RoomsSnapshot {
    const { rooms } = useChat();
    return useSyncExternalStore(rooms.subscribe, rooms.snapshot, rooms.snapshot);
}

/** A room, and what is shown of it. It is followed while the component is there. */
export function useRoom(id: string): readonly [RoomSnapshot, Room] {
    const room = useChat().room(id);
    return [useSyncExternalStore(room.subscribe, room.snapshot, room.snapshot), room];
}

/**
 * Tells the server that the person sees the end of the room, for as long as the component is there and `sees` is true.
 * `atEnd`: whether they are at the end, also where nobody looks.
 */
export function useLook(id: string, sees: boolean, atEnd = sees): void {
    const room = useChat().room(id);
    useEffect(() => {
        room.look(sees, atEnd);
        return () => room.look(false);
    }, [room, sees, atEnd]);
}

const LOOK_MS = 1_000;

/** Who of these people, 200 at most, is there. Asked every 30 s while the page is visible, and at once where `anew` becomes true. */
export function usePresence(users: readonly string[], anew = false): ReadonlyMap<string, Seen> {
    const chat = useChat();
    const [seen, setSeen] = useState<ReadonlyMap<string, Seen>>(new Map());
    // The same for other people: whoever comes and goes does not have it asked more often than it may be.
    const asked = useRef(users);
    asked.current = users;
    const who = JSON.stringify(users);
    const looks = useRef(() => {});
    const again = useRef(() => {});
    useEffect(() => {
        let over = false;
        const presence: Presence = new Presence({
            ask: async (users) => ({ users: await chat.online(users) }),
            users: () => asked.current,
            visible: () => document.visibilityState === "visible",
            changed: () => {
                if (!over) setSeen(presence.seen);
            },
        });
        const look = () => {
            if (chat.connection.snapshot().state === "connected") void presence.look(performance.now());
        };
        looks.current = look;
        again.current = () => {
            presence.forget();
            look();
        };
        const timer = setInterval(look, LOOK_MS);
        return () => {
            over = true;
            clearInterval(timer);
        };
    }, [chat]);
    useEffect(() => looks.current(), [chat, who]);
    useEffect(() => {
        if (anew) again.current();
    }, [chat, anew]);
    return seen;
}
