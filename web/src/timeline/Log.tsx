// A log that scrolls, of which only what is in sight is drawn. Whoever reads the end stays at the end; whoever reads above
// keeps what they look at. What is new is said elsewhere (`announce`): a log whose rows come and go with scrolling would
// read out what is old.

import { useEffect, useImperativeHandle, useLayoutEffect, useRef, type ReactElement, type Ref } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useHeldFocus } from "./held.ts";
import { shifted, type Item } from "./items.ts";
import { focusMoved } from "./walk.ts";

export interface LogHandle {
    toEnd(): void;
    /** Brings the row into sight, and the focus to it where `focus` is true; false: it is not there. */
    show(key: string, how: { align: "center" | "start"; focus?: boolean }): boolean;
}

interface Props {
    items: readonly Item[];
    label: string;
    complete: boolean;
    loading: boolean;
    older: () => void;
    render: (item: Item) => ReactElement;
    /** Whether the end is in sight now. */
    onEnd: (is: boolean) => void;
    /** A key that was pressed on a row. */
    onKey: (event: KeyboardEvent, item: Item) => void;
    handle: Ref<LogHandle>;
}

const NEAR_PX = 100;
/** So far above what is in sight older pages are asked for. */
const AHEAD_PX = 900;

export function Log({ items, label, complete, loading, older, render, onEnd, onKey, handle }: Props) {
    const list = useRef<VirtualizerHandle>(null);
    const scroller = useRef<HTMLDivElement>(null);
    const stays = useRef(true);
    const offset = useRef(0);
    /** Its size has changed, and it has not been brought to the end again yet. */
    const resized = useRef(false);
    const frame = useRef<number | null>(null);
    const before = useRef(items);
    const held = useHeldFocus(scroller);
    const shift = shifted(before.current, items);
    const now = useRef(items);
    now.current = items;

    const toEnd = () => {
        stays.current = true;
        list.current?.scrollToIndex(now.current.length - 1, { align: "end" });
        onEnd(true);
    };
    // Once for all that comes before the next frame: each time the browser has to lay out the page.
    const stay = () => {
        if (!stays.current) return;
        frame.current ??= requestAnimationFrame(() => {
            frame.current = null;
            resized.current = false;
            if (stays.current && now.current.length) list.current?.scrollToIndex(now.current.length - 1, { align: "end" });
        });
    };
    const more = () => {
        if (!complete && !loading && items.length && (list.current?.scrollOffset ?? 0) < AHEAD_PX) older();
    };
    const scrolled = (to: number) => {
        const { scrollSize, viewportSize } = list.current!;
        const atEnd = to + viewportSize - scrollSize > -NEAR_PX;
        // What grows below moves nobody away from the end; who scrolls up goes away from it. A window that becomes taller
        // scrolls up, too: that is nobody who goes.
        if (atEnd) stays.current = true;
        else if (to < offset.current - 1 && !resized.current) stays.current = false;
        offset.current = to;
        onEnd(atEnd || stays.current);
        more();
    };
    useLayoutEffect(() => {
        before.current = items;
        stay();
    }, [items]);
    useEffect(more, [items]);
    useLayoutEffect(() => {
        const sized = new ResizeObserver(() => {
            resized.current = stays.current;
            stay();
        });
        sized.observe(scroller.current!);
        return () => {
            sized.disconnect();
            if (frame.current !== null) cancelAnimationFrame(frame.current);
        };
    }, []);
    useImperativeHandle(handle, () => ({
        toEnd,
        show(key, { align, focus }) {
            const at = now.current.findIndex((item) => item.key === key);
            if (at < 0) return false;
            stays.current = false;
            list.current?.scrollToIndex(at, { align, offset: align === "start" ? -NEAR_PX : 0 });
            if (focus) focusMoved(scroller.current!, key);
            return true;
        },
    }));
    const pressed = (event: KeyboardEvent) => {
        const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
        const at = row && event.target === row ? items.findIndex(({ key }) => key === row.dataset["row"]) : -1;
        if (at < 0 && event.target !== scroller.current) return;
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (step === undefined) return void (at >= 0 && onKey(event, items[at]!));
        event.preventDefault();
        const to = walked(items, at < 0 ? items.length : at, step);
        if (to === null) return;
        list.current?.scrollToIndex(to, { align: "nearest" });
        focusMoved(scroller.current!, items[to]!.key);
    };
    return (
        <div
            ref={scroller} className="log" role="log" aria-live="off" aria-label={label} aria-busy={loading} tabIndex={0}
            onKeyDown={(event) => pressed(event as unknown as KeyboardEvent)} {...held}
        >
            <div className="log-space" />
            <Virtualizer
                ref={list} data={items} shift={shift} scrollRef={scroller} onScroll={scrolled} onResize={stay}
            >
                {(item) => <div key={item.key} className="row-of-log">{render(item)}</div>}
            </Virtualizer>
        </div>
    );
}

/** The next row that can have the focus; null: there is none. */
function walked(items: readonly Item[], from: number, step: number): number | null {
    for (let at = from + step; at >= 0 && at < items.length; at += step) {
        const { kind } = items[at]!;
        if (kind === "message" || kind === "draft") return at;
    }
    return null;
}
