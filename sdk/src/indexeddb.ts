// What survives a reload, in the browser's own database. All tabs of a user share one.

import { type KeptDraft, type KeptRoom, MemoryStorage, type Storage } from "./storage.ts";

/** So many rooms are kept; of more, those that were written longest ago are dropped. */
const ROOMS = 50;
const KEEPS_NOTHING = "This browser keeps nothing for the next time. What was not sent yet is lost with a reload.";
const SILENT = "the database of the browser does not answer";
/** The browser may be so many times this long about something, one pause after the other: it may have stood still in between. */
const PAUSES = 4;
const PAUSE_MS = 2_500;
const DRAFTS = "drafts";
const ROOM = "rooms";
const META = "meta";

/**
 * Of this user of this server. Where the browser keeps nothing (in a private window, or for want of space) it is kept in memory,
 * and `trouble` is told so once, in words.
 */
export function indexedDbStorage(user: string, server: string, trouble: (why: string) => void = console.warn): Storage {
    if (typeof indexedDB === "undefined" || !indexedDB) {
        if (typeof document !== "undefined") trouble(KEEPS_NOTHING);
        return new MemoryStorage();
    }
    return new IndexedDbStorage(`hubbub ${server} ${user}`, trouble);
}

class IndexedDbStorage implements Storage {
    /** Null: nobody has asked for it yet, or the browser has closed it. */
    private opened: Promise<IDBDatabase | null> | null = null;
    private readonly instead = new MemoryStorage();
    private readonly channel: BroadcastChannel | null;
    private readonly watching = new Set<(wiped: boolean) => void>();
    private told = false;
    private wiped = false;
    private closed = false;

    constructor(
        private readonly name: string,
        private readonly trouble: (why: string) => void,
    ) {
        void this.ready();
        this.channel = channelOf(`${name} storage`);
        if (this.channel) this.channel.onmessage = ({ data }: MessageEvent<"changed" | "wiped">) => this.changed(data === "wiped");
    }

    async drafts(): Promise<KeptDraft[]> {
        const kept = (await this.read(DRAFTS, (store) => store.getAll(), async () => [])) as KeptDraft[];
        const keys = new Set(kept.map(({ draft }) => draft.key));
        // With those for which there was no space.
        return [...kept, ...(await this.instead.drafts()).filter(({ draft }) => !keys.has(draft.key))];
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
        const database = await this.ready();
        if (!database) return;
        const all = [DRAFTS, ROOM, META];
        const transaction = database.transaction(all, "readwrite", { durability: "strict" });
        for (const one of all) transaction.objectStore(one).clear();
        await done(transaction);
    }

    watch(changed: (wiped: boolean) => void): () => void {
        this.watching.add(changed);
        return () => void this.watching.delete(changed);
    }

    close(): void {
        this.closed = true;
        this.channel?.close();
        void this.opened?.then((database) => database?.close());
    }

    /** Null: it is kept in memory. */
    private ready(): Promise<IDBDatabase | null> {
        if (this.closed) return this.opened ?? Promise.resolve(null);
        return (this.opened ??= opened(this.name, () => (this.opened = null)).catch((problem) => this.failed(problem)));
    }

    private tell(others: "changed" | "wiped"): void {
        if (!this.closed) this.channel?.postMessage(others);
    }

    private changed(wiped: boolean): void {
        if (wiped) this.clear().catch(() => {});
        for (const changed of [...this.watching]) changed(wiped);
    }

    private async read(store: string, ask: (store: IDBObjectStore) => IDBRequest, instead: () => Promise<unknown>): Promise<unknown> {
        const database = await this.ready();
        if (!database) return instead();
        const transaction = database.transaction(store);
        const asked = ask(transaction.objectStore(store));
        await done(transaction);
        return asked.result;
    }

    /** Once it resolves with true it survives a crash of the browser; with false, it is in memory. */
    private async write(store: string, change: (store: IDBObjectStore) => void, instead: () => Promise<void>): Promise<boolean> {
        const database = await this.ready();
        if (this.closed) throw new Error("the chat was closed");
        if (this.wiped) return true;
        try {
            if (database) {
                const transaction = database.transaction(store, "readwrite", { durability: "strict" });
                change(transaction.objectStore(store));
                await done(transaction);
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

/** Some browsers refuse it where they keep nothing. */
function channelOf(name: string): BroadcastChannel | null {
    try {
        return typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name);
    } catch {
        return null;
    }
}

/** `lost`: the database was deleted, or the browser has closed it; the next to ask opens it anew. */
function opened(name: string, lost: () => void): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
        const asked = indexedDB.open(name, 1);
        let late = false;
        const heard = patience(() => {
            late = true;
            reject(new Error(SILENT));
        });
        const fails = (why: unknown) => {
            heard();
            reject(why);
        };
        asked.onupgradeneeded = () => {
            const database = asked.result;
            database.createObjectStore(DRAFTS, { autoIncrement: true }).createIndex("key", "draft.key", { unique: true });
            database.createObjectStore(ROOM).createIndex("at", "at");
            database.createObjectStore(META);
        };
        asked.onsuccess = () => {
            heard();
            const database = asked.result;
            // Nobody waits for it any more.
            if (late) return database.close();
            // It is to be deleted, or another version of the SDK wants to change it.
            database.onversionchange = () => {
                database.close();
                lost();
            };
            database.onclose = lost;
            resolve(database);
        };
        asked.onerror = () => fails(asked.error);
    });
}

/** All of it has happened; where it fails, or the browser does not get on with it, none. */
function done(transaction: IDBTransaction): Promise<void> {
    return new Promise((resolve, reject) => {
        const heard = patience(() => {
            reject(new Error(SILENT));
            try {
                transaction.abort();
            } catch {
                // It has happened after all, and is only not told yet.
            }
        });
        transaction.oncomplete = () => {
            heard();
            resolve();
        };
        transaction.onabort = () => {
            heard();
            reject(transaction.error);
        };
    });
}

/** Calls `over` when it has lasted too long. Returns what ends the waiting. */
function patience(over: () => void): () => void {
    let left = PAUSES;
    const pauses = (): ReturnType<typeof setTimeout> =>
        setTimeout(() => {
            left -= 1;
            if (left) timer = pauses();
            else over();
        }, PAUSE_MS);
    let timer = pauses();
    return () => clearTimeout(timer);
}
