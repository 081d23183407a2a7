// The room in the address: links and the back button change it without loading the page anew.

import { useSyncExternalStore } from "react";
import type { Chat } from "hubbub-sdk";
import { addressed, placed } from "./place.ts";

const listeners = new Set<() => void>();

function subscribe(changed: () => void): () => void {
    listeners.add(changed);
    addEventListener("popstate", changed);
    return () => {
        listeners.delete(changed);
        removeEventListener("popstate", changed);
    };
}

const now = () => placed(location.search).room;

export function useOpenRoom(): string {
    return useSyncExternalStore(subscribe, now, now);
}

/** Whether the page shows a conversation with agents alone: no other room is to be gone to. */
export const isAlone = (): boolean => placed(location.search).portal !== null;

export function goTo(room: string): void {
    if (room === now()) return;
    history.pushState(null, "", addressed(location.href, { room }));
    for (const changed of [...listeners]) changed();
}

/** Opens the room of oneself and somebody. Who goes elsewhere while it is asked for stays there. */
export async function writeTo(chat: Pick<Chat, "createRoom">, user: string): Promise<void> {
    const from = now();
    const room = await chat.createRoom({ kind: "direct", with: [user] });
    if (now() === from) goTo(room);
}

export const linkTo = (room: string): string => addressed(location.href, { room });
