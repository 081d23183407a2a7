// A value that changes, and whoever wants to know. The shape is that of React's `useSyncExternalStore`.

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
