// Where the focus goes when a room leaves the list.

/** The room below, else the one above, else the box above the list; null: the focus is elsewhere. */
export function leftTo(item: Element): HTMLElement | null {
    if (!item.contains(document.activeElement)) return null;
    const other = item.nextElementSibling ?? item.previousElementSibling;
    return other?.querySelector("a") ?? document.querySelector("#room-filter");
}
