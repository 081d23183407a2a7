// What is done to a message by a key, where it is offered.

import type { Shown } from "hubbub-sdk";
import type { Act } from "../people/people.ts";
import type { Chosen } from "../timeline/choices.ts";
import type { Doings } from "./actions.ts";
import type { RoomView } from "./context.tsx";

const ACTS: Partial<Record<Chosen, Act>> = { emoji: "react", answer: "answer", thread: "thread", edit: "edit", pin: "pin", delete: "delete" };

/** False: it is not offered. */
export function byKey(
    does: Chosen | "menu", entry: Shown, acts: ReadonlySet<Act>, at: HTMLElement, place: "room" | "thread", { deeds }: RoomView, doings: Doings,
): boolean {
    const act = does === "menu" ? undefined : ACTS[does];
    if ((act && !acts.has(act)) || (does === "menu" && !acts.size) || (does === "thread" && place === "thread")) return false;
    const on = doings.at[place];
    const all: Record<typeof does, () => void> = {
        menu: () => on.menu(at, entry),
        emoji: () => on.emoji(at, entry),
        answer: () => on.answer(entry),
        thread: () => on.thread(entry.seq),
        edit: () => doings.begin(place, { does: "edit", entry }),
        pin: () => deeds.do(entry.pinned ? "unpin" : "pin", { target: entry.seq }),
        copy: () => void navigator.clipboard?.writeText(entry.text ?? ""),
        delete: () => doings.put({ overlay: { kind: "delete", at, entry, place } }),
    };
    all[does]();
    return true;
}
