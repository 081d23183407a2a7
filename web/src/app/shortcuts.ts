// Keys that work everywhere on the page.

import { useEffect } from "react";
import type { Chat, RoomRow } from "hubbub-sdk";
import { listed } from "../rooms/preferences.ts";
import type { Dialogs } from "./dialogs.ts";
import { goTo, isAlone, useOpenRoom } from "./where.ts";

export interface Shortcut {
    keys: readonly string[];
    does: string;
    /** It goes to another room: there is none where the page shows one conversation alone. */
    goes?: true;
}

/** All that the dialog of shortcuts lists. */
export const SHORTCUTS: readonly { title: string; all: readonly Shortcut[] }[] = [
    {
        title: "Everywhere",
        all: [
            { keys: ["Ctrl", "K"], does: "Go to a room", goes: true },
            { keys: ["Alt", "↑"], does: "The room above", goes: true },
            { keys: ["Alt", "↓"], does: "The room below", goes: true },
            { keys: ["Ctrl", "/"], does: "Show these shortcuts" },
            { keys: ["?"], does: "The same, while you are not writing" },
            { keys: ["Esc"], does: "Close what is open" },
        ],
    },
    {
        title: "Writing",
        all: [
            { keys: ["Enter"], does: "Send" },
            { keys: ["Shift", "Enter"], does: "A new line" },
            { keys: ["@"], does: "Mention somebody" },
            { keys: ["↑"], does: "In an empty box: edit your last message" },
            { keys: ["Shift", "Tab"], does: "From the box back to the messages" },
        ],
    },
    {
        title: "In the list of messages",
        all: [
            { keys: ["↑"], does: "The message above" },
            { keys: ["↓"], does: "The message below" },
            { keys: ["Home"], does: "The first message of the room" },
            { keys: ["End"], does: "The newest message" },
            { keys: ["Enter"], does: "Open its menu" },
            { keys: ["R"], does: "React" },
            { keys: ["A"], does: "Answer" },
            { keys: ["T"], does: "Open its thread" },
            { keys: ["E"], does: "Edit" },
            { keys: ["P"], does: "Pin or unpin" },
            { keys: ["C"], does: "Copy its text" },
            { keys: ["Delete"], does: "Delete" },
        ],
    },
];

export type Pressed = "switch" | "shortcuts" | "above" | "below";

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** What a key does; null: nothing. `writes`: it is pressed where text is written; `alone`: the page shows one conversation and no rooms. */
export function pressed(event: Key, writes: boolean, alone = false): Pressed | null {
    const does = meant(event, writes);
    return alone && does !== "shortcuts" ? null : does;
}

function meant({ key, ctrlKey, metaKey, altKey }: Key, writes: boolean): Pressed | null {
    const control = ctrlKey || metaKey;
    if (control && key.toLowerCase() === "k") return "switch";
    if (control && key === "/") return "shortcuts";
    if (altKey && !control && key === "ArrowUp") return "above";
    if (altKey && !control && key === "ArrowDown") return "below";
    return key === "?" && !writes && !control && !altKey ? "shortcuts" : null;
}

/** The room above or below in the list, where hidden ones are left out; null: there is none. */
export function besideOf(rooms: readonly RoomRow[], open: string, does: "above" | "below"): string | null {
    const all = listed(rooms, open, false);
    const at = all.findIndex(({ id }) => id === open);
    return all[at + (does === "above" ? -1 : 1)]?.id ?? null;
}

export function useShortcuts(chat: Chat, dialogs: Dialogs, drawer: (open: boolean) => void): void {
    const open = useOpenRoom();
    useEffect(() => {
        const heard = (event: KeyboardEvent) => {
            const target = event.target as HTMLElement;
            const does = pressed(event, target.matches?.("input, textarea, select, [contenteditable]"), isAlone());
            if (!does) return;
            event.preventDefault();
            if (does === "switch" || does === "shortcuts") return dialogs.show(does);
            const to = besideOf(chat.rooms.snapshot().rooms, open, does);
            if (to !== null) goTo(to);
            drawer(false);
        };
        addEventListener("keydown", heard);
        return () => removeEventListener("keydown", heard);
    }, [chat, dialogs, open, drawer]);
}
