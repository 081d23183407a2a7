// What is not acknowledged yet survives a reload of the page, with its keys.

/** As much of a browser's storage as this needs. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Shelf<Thing> {
    private kept = "";

    constructor(
        private readonly name: string,
        private readonly store: Store,
    ) {}

    /** What was there when the page was left; none where it is not ours. */
    read(): Thing[] {
        this.kept = this.store.getItem(this.name) ?? "";
        try {
            const all: unknown = JSON.parse(this.kept || "[]");
            return Array.isArray(all) ? all : [];
        } catch {
            return [];
        }
    }

    keep(all: readonly Thing[]): void {
        const text = all.length ? JSON.stringify(all) : "";
        if (text === this.kept) return;
        this.kept = text;
        try {
            if (text) this.store.setItem(this.name, text);
            else this.store.removeItem(this.name);
        } catch {
            // It is full: it is done all the same, and not kept.
        }
    }
}
