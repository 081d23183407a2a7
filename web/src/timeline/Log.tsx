// A log that scrolls, of which only what is in sight is drawn. Whoever reads the end stays at the end; whoever reads above
// keeps what they look at. What is new is said elsewhere (`announce`): a log whose rows come and go with scrolling would
// read out what is old.

import { useEffect, useImperativeHandle, useLayoutEffect, useRef, type ReactElement, type Ref } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { Drawn, useSteps } from "./drawn.tsx";
import { useHeldFocus } from "./held.ts";
import type { Item } from "./items.ts";
import { focusMoved, isAtEnd, isForRow, NEAR_PX, walked } from "./walk.ts";

export interface LogHandle {
    toEnd(): void;
    /** Brings the row into sight, and the focus to it where `focus` is true; false: it is not there. */
    show(key: string, how: { align: "center" | "start"; focus?: boolean }): boolean;
}

interface Props {
    items: readonly Item[];
    label: string;
    /** Where it is another number, the items have nothing to do with those before. */
    part: number;
    /** Nothing older is there. */
    complete: boolean;
    /** The key of the item that is read first; without, the end is. Of meaning as long as nothing is drawn. */
    begins?: string | null;
    /** Nothing newer is there. */
    ends: boolean;
    loading: boolean;
    older: () => void;
    newer?: () => void;
    /** The items are to be the first of all. */
    first?: () => void;
    /** The items are to go on to the end. */
    end?: () => void;
    /** The same function for as long as it draws the same. */
    render: (item: Item) => ReactElement;
    /** Whether the last of the items is in sight now. */
    onEnd: (is: boolean) => void;
    /** A key that was pressed on a row. */
    onKey: (event: KeyboardEvent, item: Item) => void;
    handle: Ref<LogHandle>;
}

/** So far beyond what is in sight pages are asked for. */
const AHEAD_PX = 900;

export function Log({ items: wanted, label, part, begins = null, complete, ends, loading, older, newer, first, end, render, onEnd, onKey, handle }: Props) {
    const list = useRef<VirtualizerHandle>(null);
    const scroller = useRef<HTMLDivElement>(null);
    const stays = useRef(true);
    const offset = useRef(0);
    /** Its size has changed, and it has not been brought to the end again yet. */
    const resized = useRef(false);
    const held = useHeldFocus(scroller);
    const [items, shift] = useSteps(wanted, part, begins);
    const now = useRef<readonly Item[]>([]);
    // Whoever begins elsewhere than at the end is not brought there.
    if (!now.current.length && items.length && begins !== null) stays.current = false;
    now.current = items;

    // The last row is in sight already, and so is drawn, or will be once the list has heard that it was scrolled.
    const stay = () => {
        if (!stays.current) return;
        const { current } = scroller;
        current!.scrollTop = current!.scrollHeight;
        // Who scrolls up before this is told goes away from here all the same.
        offset.current = current!.scrollTop;
    };
    const toEnd = () => {
        stays.current = true;
        if (!ends) return end?.();
        stay();
        onEnd(true);
    };
    const more = () => {
        if (loading || items.length < wanted.length || !items.length || !list.current) return;
        const { scrollOffset, viewportSize, scrollSize } = list.current;
        if (!complete && scrollOffset < AHEAD_PX) older();
        else if (!ends && scrollOffset + viewportSize > scrollSize - AHEAD_PX) newer?.();
    };
    const scrolled = (to: number) => {
        const { scrollSize, viewportSize } = list.current!;
        // The list may not know its size yet, as after a jump.
        const low = to + viewportSize - scrollSize > -NEAR_PX || isAtEnd(scroller.current!);
        // What grows below moves nobody away from the end; who scrolls up goes away from it. A window that becomes taller
        // scrolls up, too: that is nobody who goes.
        if (low && ends) stays.current = true;
        else if (!ends || (to < offset.current - 1 && !resized.current)) stays.current = false;
        offset.current = to;
        onEnd(low || stays.current);
        more();
    };
    // The list does not tell of a way to the end and back within one frame, as where a window is resized and scrolled at once.
    const wentUp = () => {
        const { current } = scroller;
        if (!stays.current || resized.current || current!.scrollTop >= offset.current - 1 || isAtEnd(current!)) return;
        stays.current = false;
        offset.current = current!.scrollTop;
        onEnd(false);
    };
    useLayoutEffect(() => {
        stays.current = ends && begins === null;
        offset.current = 0;
        if (!ends) scroller.current!.scrollTop = 0;
    }, [part]);
    // Whoever was at the end of what was held is at the end, once that is known to be it.
    useLayoutEffect(() => {
        if (ends && items.length && isAtEnd(scroller.current!)) stays.current = true;
    }, [ends]);
    useLayoutEffect(stay, [items]);
    useEffect(more, [items, loading]);
    useLayoutEffect(() => {
        let frame = 0;
        const sized = new ResizeObserver(() => {
            resized.current = stays.current;
            stay();
            frame = requestAnimationFrame(() => {
                resized.current = false;
                stay();
            });
        });
        sized.observe(scroller.current!);
        return () => {
            sized.disconnect();
            cancelAnimationFrame(frame);
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
        const at = row && isForRow(event.key, event.target as HTMLElement) ? items.findIndex(({ key }) => key === row.dataset["row"]) : -1;
        if (at < 0 && event.target !== scroller.current) return;
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        const far = { Home: toFirst, End: toEnd }[event.key];
        if (step === undefined && !far) return void (at >= 0 && onKey(event, items[at]!));
        event.preventDefault();
        if (far) {
            scroller.current!.focus();
            return far();
        }
        const to = walked(items, at < 0 ? items.length : at, step!);
        if (to === null) return;
        list.current?.scrollToIndex(to, { align: "nearest" });
        focusMoved(scroller.current!, items[to]!.key);
    };
    const toFirst = () => {
        stays.current = false;
        if (complete || !first) scroller.current!.scrollTop = 0;
        else first();
    };
    return (
        <div
            ref={scroller} className="log" role="log" aria-live="off" aria-label={label} aria-busy={loading} tabIndex={0}
            onKeyDown={(event) => pressed(event as unknown as KeyboardEvent)} onScroll={wentUp} {...held}
        >
            <div className="log-space" />
            <Virtualizer key={part} ref={list} data={items} shift={shift} scrollRef={scroller} onScroll={scrolled} onResize={stay}>
                {(item) => <Drawn key={item.key} item={item} render={render} />}
            </Virtualizer>
        </div>
    );
}
