// Small helpers around the document.

import type { Words } from "./names.ts";

export function part<T extends HTMLElement>(id: string): T {
    const found = document.getElementById(id);
    if (!found) throw new Error(`index.html has no #${id}`);
    return found as T;
}

export function element(tag: string, className: string, ...content: (string | Node)[]): HTMLElement {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...content);
    return made;
}

/** A name, which turns the direction of nothing but itself. */
export function bdi(name: string): HTMLElement {
    return element("bdi", "", name);
}

/** Words with their names set apart. */
export function spoken(words: Words): (string | Node)[] {
    return words.map((one) => (typeof one === "string" ? one : bdi(one.name)));
}

/** A small button that says what it does in `data-do`; see `Does`. */
export function button(label: string, does: string, more: Record<string, string> = {}): HTMLButtonElement {
    const made = element("button", "small", label) as HTMLButtonElement;
    made.type = "button";
    made.dataset["do"] = does;
    for (const [name, value] of Object.entries(more)) made.setAttribute(name, value);
    return made;
}

/** What a button was pressed for; `at` is the button. */
export type Does = (what: string, at: HTMLElement) => void;

/** Buttons come and go, and are heard where they stand. */
export function heard(around: HTMLElement, does: Does): void {
    around.addEventListener("click", ({ target }) => {
        const at = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null;
        if (at) does(at.dataset["do"] ?? "", at);
    });
}
