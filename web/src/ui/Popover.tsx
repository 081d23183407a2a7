// Something beside what was pressed. The browser's own popover closes it with Escape and with a press elsewhere.

import { useLayoutEffect, useRef, type ReactNode } from "react";
import { beside } from "./beside.ts";

interface Props {
    /** What was pressed. The focus goes back there. */
    at: HTMLElement;
    label: string;
    className?: string;
    role?: "dialog" | "menu";
    onClose: () => void;
    onKeyDown?: (event: KeyboardEvent, box: HTMLElement) => void;
    children: ReactNode;
}

export function Popover({ at, label, className = "", role = "dialog", onClose, onKeyDown, children }: Props) {
    const ref = useRef<HTMLDivElement>(null);
    const close = useRef(onClose);
    close.current = onClose;
    useLayoutEffect(() => {
        const box = ref.current!;
        // What was pressed may be gone by then; the message that it belonged to is not.
        const row = at.closest<HTMLElement>("[data-row]")?.dataset["row"];
        const back = () => {
            const to = at.isConnected || row === undefined ? at : document.querySelector<HTMLElement>(`[data-row="${CSS.escape(row)}"]`);
            to?.focus({ preventScroll: true });
        };
        // It stays beside where that was: what is about to be pressed must not move away.
        const from = at.getBoundingClientRect();
        const place = () => {
            const { left, top } = beside(from, box.getBoundingClientRect(), { width: innerWidth, height: innerHeight }, getComputedStyle(box).direction === "rtl");
            box.style.left = `${left}px`;
            box.style.top = `${top}px`;
        };
        const closed = (event: Event) => {
            if ((event as ToggleEvent).newState !== "closed") return;
            // Where something else was pressed, that has the focus.
            if (box.contains(document.activeElement) || document.activeElement === document.body) back();
            close.current();
        };
        box.showPopover();
        place();
        (box.querySelector<HTMLElement>("[autofocus]") ?? box.querySelector<HTMLElement>("button, input, [tabindex]") ?? box).focus();
        box.addEventListener("toggle", closed);
        const sized = new ResizeObserver(place);
        sized.observe(box);
        addEventListener("resize", place);
        return () => {
            const held = box.contains(document.activeElement);
            sized.disconnect();
            removeEventListener("resize", place);
            box.removeEventListener("toggle", closed);
            if (held) back();
        };
    }, [at]);
    return (
        <div
            ref={ref} popover="auto" role={role} aria-label={label} tabIndex={-1} className={`popover ${className}`}
            onKeyDown={(event) => onKeyDown?.(event as unknown as KeyboardEvent, ref.current!)}
        >
            {children}
        </div>
    );
}
