// The focus outlives what had it: a draft becomes a message, a button goes with what it did. It goes back to the row, or
// where that is gone to the log, and never to the page's beginning.

import { useLayoutEffect, useRef, type RefObject } from "react";

interface Held {
    element: Element;
    /** The row that it is in. */
    row: string | undefined;
}

export function useHeldFocus(log: RefObject<HTMLElement | null>): { onFocusIn: (event: { target: EventTarget | null }) => void } {
    const held = useRef<Held | null>(null);
    useLayoutEffect(() => {
        if (!held.current || held.current.element.isConnected) return;
        const { row } = held.current;
        held.current = null;
        // Whoever has gone elsewhere stays there.
        if (document.activeElement !== document.body) return;
        const there = row === undefined ? null : log.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(row)}"]`);
        (there ?? log.current)?.focus({ preventScroll: true });
    });
    return {
        onFocusIn({ target }) {
            if (!(target instanceof Element)) return;
            held.current = { element: target, row: target.closest<HTMLElement>("[data-row]")?.dataset["row"] };
        },
    };
}
