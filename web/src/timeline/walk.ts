// The focus goes from message to message, also to one that is not drawn yet.

/** Frames until a row that was scrolled to has to be there. */
const FRAMES = 20;

export function focusMoved(within: HTMLElement, key: string, frames = FRAMES): void {
    const row = within.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`);
    if (row) row.focus({ preventScroll: true });
    else if (frames > 0) requestAnimationFrame(() => focusMoved(within, key, frames - 1));
}
