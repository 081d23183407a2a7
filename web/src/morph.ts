// Makes an element look like a fresh one and keeps what is the same: what has the focus keeps it.

export function morph(old: Element, fresh: Element): void {
    if (old.isEqualNode(fresh)) return;
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    let here: ChildNode | null = old.firstChild;
    for (const next of [...fresh.childNodes]) {
        const match = following(here, next);
        if (!match) {
            old.insertBefore(next, here);
            continue;
        }
        while (here && here !== match) here = removed(here);
        if (match instanceof Element) morph(match, next as Element);
        else match.textContent = next.textContent;
        here = match.nextSibling;
    }
    while (here) here = removed(here);
}

function following(from: ChildNode | null, like: Node): ChildNode | null {
    for (let one = from; one; one = one.nextSibling) if (kind(one) === kind(like)) return one;
    return null;
}

function removed(node: ChildNode): ChildNode | null {
    const next = node.nextSibling;
    node.remove();
    return next;
}

function kind(node: Node): string {
    if (!(node instanceof HTMLElement)) return node.nodeName;
    const { do: does = "", reaction = "", room = "" } = node.dataset;
    // A room's row is its own: nobody who presses it opens another that has moved there.
    if (room) return [node.nodeName, room].join(" ");
    return [node.nodeName, node.className, does, reaction].join(" ");
}
