// Where a box goes beside something, so that all of it is on the screen. Pure.

export interface Box {
    left: number;
    right: number;
    top: number;
    bottom: number;
}

export interface Size {
    width: number;
    height: number;
}

const GAP_PX = 6;

/** Below and to the right where there is room, else above and to the left; `rtl`: to the left first. */
export function beside(at: Box, { width, height }: Size, screen: Size, rtl = false): { left: number; top: number } {
    const below = at.bottom + GAP_PX + height <= screen.height;
    const top = below ? at.bottom + GAP_PX : at.top - GAP_PX - height;
    const rightwards = at.left + width + GAP_PX <= screen.width;
    const leftwards = at.right - width >= GAP_PX;
    const left = (rtl ? !leftwards : rightwards) ? at.left : at.right - width;
    return { left: inside(left, width, screen.width), top: inside(top, height, screen.height) };
}

function inside(start: number, size: number, most: number): number {
    return Math.max(GAP_PX, Math.min(start, most - size - GAP_PX));
}

/** The next of `count` after a key, round and round; null: another key. */
export function stepped(key: string, now: number, count: number): number | null {
    if (!count) return null;
    if (key === "ArrowDown") return (now + 1) % count;
    if (key === "ArrowUp") return (now - 1 + count) % count;
    if (key === "Home") return 0;
    return key === "End" ? count - 1 : null;
}
