// What of a log is given to the list that draws it, and when it is the same as before.

import { memo, useLayoutEffect, useRef, useState, type ReactElement } from "react";
import { between, shifted, type Item } from "./items.ts";

/** The items, and whether they begin elsewhere than before. The list is told of one end at a time. */
export function useSteps(wanted: readonly Item[], part: number): readonly [readonly Item[], boolean] {
    const before = useRef({ items: wanted, part });
    const [, again] = useState(0);
    const other = before.current.part !== part;
    const items = other ? wanted : between(before.current.items, wanted);
    const shift = !other && shifted(before.current.items, items);
    useLayoutEffect(() => {
        before.current = { items, part };
        if (items !== wanted) again((n) => n + 1);
    }, [items, part]);
    return [items, shift];
}

/** A row of the list: drawn again only where its item or how it is drawn has changed. */
export const Drawn = memo(function Drawn({ item, render }: { item: Item; render: (item: Item) => ReactElement }) {
    return <div className="row-of-log">{render(item)}</div>;
});
