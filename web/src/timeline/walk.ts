// The focus goes from message to message, also to one that is not drawn yet.

import type { Item } from "./items.ts";

/** Frames until a row that was scrolled to has to be there. */
const FRAMES = 20;

export function focusMoved(within: HTMLElement, key: string, frames = FRAMES): void {
    const row = within.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`);
    if (row) row.focus({ preventScroll: true });
    else if (frames > 0) requestAnimationFrame(() => focusMoved(within, key, frames - 1));
}

/** The next row that can have the focus; null: there is none. */
export function walked(items: readonly Item[], from: number, step: number): number | null {
    for (let at = from + step; at >= 0 && at < items.length; at += step) {
        const { kind } = items[at]!;
        if (kind === "message" || kind === "draft") return at;
    }
    return null;
}

/** Whether a key at something in a row is one for the row: where a button or a link has the focus, Enter and space are for that. */
export function isForRow(key: string, target: Element): boolean {
    if (target.matches("[data-row]")) return true;
    if (target.matches("input, textarea, select, [contenteditable], pre")) return false;
    return key !== "Enter" && key !== " ";
}

/** So near to its end somebody is there. */
export const NEAR_PX = 100;

/** Whether the end of what scrolls is in sight. */
export function isAtEnd({ scrollHeight, clientHeight, scrollTop }: HTMLElement): boolean {
    return scrollHeight - clientHeight - scrollTop < NEAR_PX;
}
