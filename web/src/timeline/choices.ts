// What the menu of a message offers, and the keys that do the same. Pure.

import type { Shown } from "hubbub-sdk";
import type { Act } from "../people/people.ts";
import type { Choice } from "../ui/Menu.tsx";
import type { Place } from "./Message.tsx";

export type Chosen = "emoji" | "answer" | "thread" | "edit" | "pin" | "copy" | "delete";

/** The key that does each at a message that has the focus. */
export const KEYS: Record<Chosen, string> = { emoji: "R", answer: "A", thread: "T", edit: "E", pin: "P", copy: "C", delete: "Delete" };

export function choices(entry: Shown, acts: ReadonlySet<Act>, place: Place, on: Record<Chosen, () => void>): Choice[] {
    const all: (Choice & { is: boolean })[] = [
        { is: acts.has("react"), icon: "smile", label: "Another reaction …", key: KEYS.emoji, choose: on.emoji },
        { is: acts.has("answer"), icon: "reply", label: "Answer", key: KEYS.answer, choose: on.answer },
        { is: acts.has("thread") && place !== "thread", icon: "thread", label: acts.has("reply") ? "Reply in thread" : "Open the thread", key: KEYS.thread, choose: on.thread },
        { is: acts.has("edit"), icon: "edit", label: "Edit", key: KEYS.edit, choose: on.edit },
        { is: acts.has("pin"), icon: "pin", label: entry.pinned ? "Unpin" : "Pin", key: KEYS.pin, choose: on.pin },
        { is: !!entry.text, icon: "copy", label: "Copy text", key: KEYS.copy, choose: on.copy },
        { is: acts.has("delete"), icon: "trash", label: "Delete …", key: KEYS.delete, danger: true, choose: on.delete },
    ];
    return all.filter(({ is }) => is).map(({ is: _, ...choice }) => choice);
}

/** What a key at a message does; null: nothing. */
export function keyed(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): Chosen | "menu" | null {
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.key === "Enter") return "menu";
    const found = Object.entries(KEYS).find(([, key]) => key.toLowerCase() === event.key.toLowerCase());
    return found ? (found[0] as Chosen) : null;
}
