// Many lines of who came and went, in one. Pure.

import type { Shown } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import type { Name, Words } from "../ui/names.ts";

/** So many stand one below the other; more are folded. */
export const LINES = 3;
const NAMED = 3;

/** What they say together: who joined, who left, and how much else there was. */
export function folded(entries: readonly Shown[], called: CalledBy): Words {
    const joined = new Set<string>();
    const left = new Set<string>();
    let others = 0;
    for (const { type, user, from, role } of entries) {
        const who = user ?? from;
        if (type === "joined" && (role ?? "member") === "member") {
            joined.add(who);
            left.delete(who);
        } else if (type === "left") {
            left.add(who);
            joined.delete(who);
        } else others += 1;
    }
    const parts: Words[] = [];
    if (joined.size) parts.push([...listed([...joined].map(called)), " joined"]);
    if (left.size) parts.push([...listed([...left].map(called)), " left"]);
    if (others) parts.push([others === 1 ? "1 other change" : `${others} other changes`]);
    return parts.flatMap((words, nth) => (nth ? ["; ", ...words] : words));
}

/** Some people in a row: Ana, Ben and 4 others. */
export function listed(names: readonly string[]): Words {
    const some = names.slice(0, names.length > NAMED + 1 ? NAMED : names.length);
    const more = names.length - some.length;
    const words = some.flatMap((name, nth): (string | Name)[] => {
        const last = nth > 0 && nth === some.length - 1 && !more;
        return [nth === 0 ? "" : last ? " and " : ", ", { name }];
    });
    return (more ? [...words, ` and ${more} others`] : words).filter((one) => one !== "");
}
