// What is not acknowledged yet survives a reload of the page, with its keys.

/** As much of a browser's storage as this needs. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Shelf<Thing extends { key: string }> {
    /** What was put there or read by this one. The rest belongs to another view of the same room. */
    private own = new Set<string>();

    constructor(
        private readonly name: string,
        private readonly store: Store,
    ) {}

    /** What was there when the page was left; none where it is not ours. */
    read(): Thing[] {
        const all = this.all();
        this.own = new Set(all.map(({ key }) => key));
        return all;
    }

    /** These instead of what this one has put there before; what others have put there stays. */
    keep(all: readonly Thing[]): void {
        const kept = this.store.getItem(this.name) ?? "";
        const keys = new Set(all.map(({ key }) => key));
        const others = this.all().filter(({ key }) => !this.own.has(key) && !keys.has(key));
        this.own = keys;
        const left = [...others, ...all];
        const text = left.length ? JSON.stringify(left) : "";
        if (text === kept) return;
        try {
            if (text) this.store.setItem(this.name, text);
            else this.store.removeItem(this.name);
        } catch {
            // It is full: it is done all the same, and not kept.
        }
    }

    private all(): Thing[] {
        try {
            const all: unknown = JSON.parse(this.store.getItem(this.name) || "[]");
            return Array.isArray(all) ? all.filter((one) => typeof one?.key === "string") : [];
        } catch {
            return [];
        }
    }
}
