// What of a log is given to the list that draws it, and when it is the same as before.

import { memo, useLayoutEffect, useRef, useState, type ReactElement } from "react";
import { between, firstOf, shifted, type Item } from "./items.ts";

const NONE: readonly Item[] = [];

/**
 * The items, and whether they begin elsewhere than before. The list is told of one end at a time. `begins`: the key of the item
 * that is to be read first; null: the end is.
 */
export function useSteps(wanted: readonly Item[], part: number, begins: string | null): readonly [readonly Item[], boolean] {
    const before = useRef({ items: NONE, part });
    const [, again] = useState(0);
    const other = before.current.part !== part;
    const isFirst = !other && !before.current.items.length;
    const items = other ? wanted : isFirst ? firstOf(wanted, begins) : between(before.current.items, wanted);
    const shift = !other && !isFirst && shifted(before.current.items, items);
    useLayoutEffect(() => {
        before.current = { items, part };
        if (items.length !== wanted.length || items.some((item, nth) => item !== wanted[nth])) again((n) => n + 1);
    }, [items, part]);
    return [items, shift];
}

/** A row of the list: drawn again only where its item or how it is drawn has changed. */
export const Drawn = memo(function Drawn({ item, render }: { item: Item; render: (item: Item) => ReactElement }) {
    return <div className="row-of-log">{render(item)}</div>;
});
