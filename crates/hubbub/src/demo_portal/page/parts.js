// Small parts that the page is drawn with. What others wrote becomes text, never markup.

export const at = (id) => document.getElementById(id);

/** An element with a class and a text. */
export function element(tag, name = "", text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
}

/** Sets a text where it is another one, so that nothing is announced again. */
export function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order. An element stays with its key, and keeps the focus
 * where it has it: whoever works by keyboard is not thrown out by a message that arrives.
 */
export function keyed(parent, items, key, make, update) {
    const focused = document.activeElement;
    const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    let before = null;
    for (const item of items) {
        const name = key(item);
        let child = there.get(name);
        there.delete(name);
        if (!child) {
            child = make(item);
            child.dataset.key = name;
        }
        const place = before ? before.nextSibling : parent.firstChild;
        if (child !== place) parent.insertBefore(child, place);
        update(child, item);
        before = child;
    }
    for (const gone of there.values()) gone.remove();
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

/** A hue of one's own for each name. */
function hue(name) {
    let sum = 0;
    for (const sign of name) sum = (sum * 31 + sign.codePointAt(0)) % 360;
    return sum;
}

/** The first letter of a name, in its colour. */
export function face(element, name) {
    say(element, [...name.trim()][0]?.toUpperCase() ?? "?");
    element.style.setProperty("--hue", hue(name));
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The day of a time, and whether that is today. */
export function day(at) {
    const when = new Date(at);
    return when.toDateString() === new Date().toDateString() ? "Today" : date.format(when);
}

/** A time of day; the rest of it is in its title. */
export function time(at) {
    const when = new Date(at);
    const made = element("time", "", clock.format(when));
    made.dateTime = at;
    made.title = full.format(when);
    return made;
}
