// A value that changes, and whoever wants to know. The shape is that of React's `useSyncExternalStore`.

import { Telling } from "./telling.ts";

export interface Readable<Value> {
    /** Calls `changed` after each change, until what it returns is called. */
    subscribe(changed: () => void): () => void;
    /** The same object until something has changed. */
    snapshot(): Value;
}

export class Store<Value> implements Readable<Value> {
    private readonly listeners = new Set<() => void>();

    constructor(private value: Value) {}

    readonly snapshot = (): Value => this.value;

    readonly subscribe = (changed: () => void): (() => void) => {
        // Two subscriptions of one function are two.
        const listener = () => changed();
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
    };

    set(value: Value): void {
        if (Object.is(value, this.value)) return;
        this.value = value;
        for (const listener of [...this.listeners]) listener();
    }
}

const LATER_MS = 250;

/** A value that follows from what comes over the network: made when somebody asks for it, told of once in a frame. */
export class Made<Value> implements Readable<Value> {
    private value: Value | null = null;
    private readonly telling = new Telling();
    private timer: ReturnType<typeof setTimeout> | undefined;

    constructor(private readonly make: () => Value) {}

    readonly snapshot = (): Value => (this.value ??= this.make());

    readonly subscribe = (changed: () => void): (() => void) => {
        const end = this.telling.subscribe(changed);
        return () => void end();
    };

    changed(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.value = null;
        this.telling.soon();
    }

    /** It has changed so little that nobody waits for it: told within `LATER_MS`, with whatever else has changed until then. */
    later(): void {
        this.timer ??= setTimeout(() => this.changed(), LATER_MS);
    }
}
