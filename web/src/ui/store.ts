// What this browser keeps of how the page is used. Where a browser keeps nothing, it holds until the page is left.

import { useSyncExternalStore } from "react";

/** As much of a browser's storage as this needs. */
export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The browser's own; where it is closed to the page, as with all cookies blocked, one that ends with the page. */
export function shelfOf(own: () => Shelf): Shelf {
    try {
        return own();
    } catch {
        const all = new Map<string, string>();
        return { getItem: (name) => all.get(name) ?? null, setItem: (name, text) => void all.set(name, text), removeItem: (name) => void all.delete(name) };
    }
}

export const forGood = shelfOf(() => localStorage);
export const forTab = shelfOf(() => sessionStorage);

/** A value under a name; what another version or nobody wrote is passed over. */
export class Kept<Value extends object> {
    private value: Value;
    private readonly listeners = new Set<() => void>();

    constructor(
        private readonly name: string,
        usual: Value,
        private readonly shelf: Shelf,
    ) {
        this.value = { ...usual, ...read(shelf, name) };
    }

    readonly snapshot = (): Value => this.value;

    readonly subscribe = (changed: () => void): (() => void) => {
        this.listeners.add(changed);
        return () => void this.listeners.delete(changed);
    };

    change(what: Partial<Value>): void {
        this.value = { ...this.value, ...what };
        try {
            this.shelf.setItem(this.name, JSON.stringify(this.value));
        } catch {
            // It is full, or closed.
        }
        for (const changed of [...this.listeners]) changed();
    }
}

function read(shelf: Shelf, name: string): object {
    try {
        const value: unknown = JSON.parse(shelf.getItem(name) ?? "{}");
        return typeof value === "object" && value !== null ? value : {};
    } catch {
        return {};
    }
}

export function useKept<Value extends object>(kept: Kept<Value>): Value {
    return useSyncExternalStore(kept.subscribe, kept.snapshot, kept.snapshot);
}
