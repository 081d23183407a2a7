// What the open room is called, and what is said of it. Pure.

import type { Seen } from "hubbub-sdk";
import { presenceWords } from "../people/who.ts";
import { lastTitle } from "../rooms/last.ts";
import { supportTitle } from "../support/forwarding.ts";
import { isolated } from "../ui/names.ts";
import type { RoomView } from "./context.tsx";

/** By its name; a direct one by the others in it; before that is known, as it was called last. */
export function titleOf({ standing, behind, called, me, room, support }: Pick<RoomView, "standing" | "behind" | "called" | "me" | "room" | "support">): string {
    if (support) return supportTitle(support.portal);
    const others = [...behind.members.keys()].filter((user) => user !== me).map(called);
    const last = behind.known ? undefined : lastTitle(me, room.id);
    return standing.name || (standing.direct && others.join(", ")) || last || standing.topic || room.id;
}

/** What it is about, or whether the other of two is there. */
export function aboutOf({ standing, behind }: Pick<RoomView, "standing" | "behind">, seen: ReadonlyMap<string, Seen>): string {
    const two = standing.direct && behind.members.size === 2;
    return standing.topic || (two ? presenceWords([...seen.values()][0], Date.now()) : "");
}

/** What stands in its empty box. */
export function askedFor(view: Parameters<typeof titleOf>[0]): string {
    if (view.support) return view.support.state === "closed" ? "This conversation has ended" : "Write to the agents";
    return `Message ${isolated(titleOf(view))}`;
}
