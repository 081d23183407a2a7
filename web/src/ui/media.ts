// What the screen is like.

import { useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
    const list = matchMedia(query);
    const subscribe = (changed: () => void) => {
        list.addEventListener("change", changed);
        return () => list.removeEventListener("change", changed);
    };
    return useSyncExternalStore(subscribe, () => list.matches, () => list.matches);
}

/** Where a finger is all there is. */
export const TOUCH = "(hover: none) and (pointer: coarse)";
/** The list of rooms is a drawer there. */
export const NARROW = "(max-width: 47.99rem)";
/** The panel at the side lies over the room there. */
export const COVERED = "(max-width: 68.99rem)";
