// What survives a reload, in the browser's own database. All tabs of a user share one.

import { type KeptDraft, type KeptRoom, MemoryStorage, type Storage } from "./storage.ts";

/** So many rooms are kept; of more, those that were written longest ago are dropped. */
const ROOMS = 50;
const KEEPS_NOTHING = "This browser keeps nothing for the next time. What was not sent yet is lost with a reload.";
const DRAFTS = "drafts";
const ROOM = "rooms";
const META = "meta";

/**
 * Of this user of this server. Where the browser keeps nothing (in a private window, or for want of space) it is kept in memory,
 * and `trouble` is told so once, in words.
 */
export function indexedDbStorage(user: string, server: string, trouble: (why: string) => void = console.warn): Storage {
    if (typeof indexedDB === "undefined") {
        if (typeof document !== "undefined") trouble(KEEPS_NOTHING);
        return new MemoryStorage();
    }
    return new IndexedDbStorage(`hubbub ${server} ${user}`, trouble);
}

class IndexedDbStorage implements Storage {
    private readonly opened: Promise<IDBDatabase | null>;
    private readonly instead = new MemoryStorage();
    private readonly channel: BroadcastChannel | null;
    private readonly watching = new Set<(wiped: boolean) => void>();
    private told = false;
    private wiped = false;
    private closed = false;

    constructor(
        name: string,
        private readonly trouble: (why: string) => void,
    ) {
        this.opened = opened(name).catch((problem) => this.failed(problem));
        this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`${name} storage`);
        if (this.channel) this.channel.onmessage = ({ data }: MessageEvent<"changed" | "wiped">) => this.changed(data === "wiped");
    }

    async drafts(): Promise<KeptDraft[]> {
        const kept = (await this.read(DRAFTS, (store) => store.getAll(), async () => [])) as KeptDraft[];
        // With those for which there was no space.
        return [...kept, ...(await this.instead.drafts())];
    }

    async putDraft(draft: KeptDraft): Promise<void> {
        const put = (store: IDBObjectStore) => {
            const asked = store.index("key").getKey(draft.draft.key);
            // The same place again, or the next one.
            asked.onsuccess = () => void (asked.result === undefined ? store.add(draft) : store.put(draft, asked.result));
        };
        const kept = await this.write(DRAFTS, put, () => this.instead.putDraft(draft));
        if (!kept) throw new Error(KEEPS_NOTHING);
        this.tell("changed");
    }

    async dropDraft(key: string): Promise<void> {
        const drop = (store: IDBObjectStore) => {
            const asked = store.index("key").getKey(key);
            asked.onsuccess = () => void (asked.result !== undefined && store.delete(asked.result));
        };
        await this.instead.dropDraft(key);
        await this.write(DRAFTS, drop, async () => {});
        this.tell("changed");
    }

    async database(): Promise<string | null> {
        const database = await this.read(META, (store) => store.get("database"), () => this.instead.database());
        return (database as string | null | undefined) ?? null;
    }

    async putDatabase(database: string): Promise<void> {
        await this.write(META, (store) => store.put(database, "database"), () => this.instead.putDatabase(database));
    }

    async room(room: string): Promise<KeptRoom | null> {
        const kept = await this.read(ROOM, (store) => store.get(room), () => this.instead.room(room));
        return (kept as KeptRoom | null | undefined) ?? null;
    }

    async putRoom(room: KeptRoom): Promise<void> {
        const put = (store: IDBObjectStore) => {
            store.put({ ...room, at: Date.now() }, room.room);
            // Now: the page may be going, and then nothing more is done that waits for an answer.
            store.transaction.commit();
        };
        await this.write(ROOM, put, () => this.instead.putRoom(room));
        const trim = (store: IDBObjectStore) => {
            const all = store.index("at").getAllKeys();
            all.onsuccess = () => {
                for (const key of all.result.slice(0, -ROOMS)) store.delete(key);
            };
        };
        if (!this.closed) await this.write(ROOM, trim, async () => {});
    }

    async wipe(): Promise<void> {
        // Each tab clears once more when it hears it: behind whatever it was still writing.
        this.tell("wiped");
        await this.clear();
    }

    private async clear(): Promise<void> {
        this.wiped = true;
        await this.instead.wipe();
        const database = await this.opened;
        if (!database) return;
        const all = [DRAFTS, ROOM, META];
        await done(database, all, (transaction) => all.forEach((one) => transaction.objectStore(one).clear()));
    }

    watch(changed: (wiped: boolean) => void): () => void {
        this.watching.add(changed);
        return () => void this.watching.delete(changed);
    }

    close(): void {
        this.closed = true;
        this.channel?.close();
        void this.opened.then((database) => database?.close());
    }

    private tell(others: "changed" | "wiped"): void {
        if (!this.closed) this.channel?.postMessage(others);
    }

    private changed(wiped: boolean): void {
        if (wiped) this.clear().catch(() => {});
        for (const changed of [...this.watching]) changed(wiped);
    }

    private async read(store: string, ask: (store: IDBObjectStore) => IDBRequest, instead: () => Promise<unknown>): Promise<unknown> {
        const database = await this.opened;
        if (!database) return instead();
        return new Promise((resolve, reject) => {
            const asked = ask(database.transaction(store).objectStore(store));
            asked.onsuccess = () => resolve(asked.result);
            asked.onerror = () => reject(asked.error);
        });
    }

    /** Once it resolves with true it survives a crash of the browser; with false, it is in memory. */
    private async write(store: string, change: (store: IDBObjectStore) => void, instead: () => Promise<void>): Promise<boolean> {
        const database = await this.opened;
        if (this.closed) throw new Error("the chat was closed");
        if (this.wiped) return true;
        try {
            if (database) {
                await done(database, [store], (transaction) => change(transaction.objectStore(store)));
                return true;
            }
        } catch (problem) {
            this.failed(problem);
        }
        await instead();
        return false;
    }

    private failed(problem: unknown): null {
        if (!this.told) {
            const why = problem instanceof Error ? problem.message || problem.name : String(problem);
            this.trouble(`${KEEPS_NOTHING} (${why})`);
        }
        this.told = true;
        return null;
    }
}

function opened(name: string): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
        const asked = indexedDB.open(name, 1);
        asked.onupgradeneeded = () => {
            const database = asked.result;
            database.createObjectStore(DRAFTS, { autoIncrement: true }).createIndex("key", "draft.key", { unique: true });
            database.createObjectStore(ROOM).createIndex("at", "at");
            database.createObjectStore(META);
        };
        asked.onsuccess = () => {
            const database = asked.result;
            // Another version of the SDK wants to change it.
            database.onversionchange = () => database.close();
            resolve(database);
        };
        asked.onerror = () => reject(asked.error);
        asked.onblocked = () => reject(new Error("another tab holds it"));
    });
}

function done(database: IDBDatabase, stores: string[], change: (transaction: IDBTransaction) => void): Promise<void> {
    return new Promise((resolve, reject) => {
        const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
        transaction.oncomplete = () => resolve();
        transaction.onerror = () => reject(transaction.error);
        transaction.onabort = () => reject(transaction.error);
        change(transaction);
    });
}
