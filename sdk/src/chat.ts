// A chat of one user with one server: its rooms, what is unread, and what waits to be sent.

import { type Access, directLink } from "./direct.ts";
import type { Method, Methods } from "./generated.ts";
import { CallError, type Hint, type Link, type LinkState, type Welcome } from "./link.ts";
import { newKey } from "./keys.ts";
import { Pauses } from "./pauses.ts";
import type { Seen } from "./presence.ts";
import { Room } from "./room.ts";
import { RoomList } from "./rooms.ts";
import { type KeptDraft, MemoryStorage, type Storage } from "./storage.ts";
import { Made, type Readable, Store } from "./store.ts";
import type { Draft } from "./timeline.ts";
import { before, type Counted, type Room as RoomRow, sorted, total } from "./unread.ts";

export interface ChatOptions extends Access {
    /** Where it is kept what has to survive a reload. Without: in memory. In a browser take `indexedDbStorage`. */
    storage?: Storage;
    /** What it talks through. Without: a connection of its own. In a browser take `sharedLink`. */
    link?: Link;
}

export interface ConnectionSnapshot {
    state: LinkState;
    /** What is wrong, in words. */
    problem: string | null;
    /** The label of the instance that serves us. */
    instance: string;
    /** What is on, of what was added after the first version of the server. */
    features: readonly string[];
}

export interface RoomsSnapshot {
    /** All, hidden ones too. What is pinned comes first, what is archived last; among them, where something was said last. */
    rooms: readonly RoomRow[];
    /** Whether all of them were told once. */
    known: boolean;
    /** All that is unread, but in the room that is being read, in hidden ones, and in those of which one wants to hear nothing. */
    unread: Counted;
}

/** So many may wait to be sent or stand there as refused, in all rooms together. */
export const DRAFTS = 500;

const OTHER_DATABASE = "the server has another database now; what was said is kept for the one that it was said to";
const WATCHED_WITHIN_MS = 2_000;

export class Chat {
    readonly user: string;
    /** Whether there is a connection. */
    readonly connection: Readable<ConnectionSnapshot>;
    /** The rooms one is a member of, with what is unread. Kept true by the server's hints. */
    readonly rooms: Readable<RoomsSnapshot>;
    private readonly link: Link;
    private readonly storage: Storage;
    private readonly standing = new Store<ConnectionSnapshot>({ state: "disconnected", problem: null, instance: "", features: [] });
    private readonly listing = new Made<RoomsSnapshot>(() => this.listed());
    /** Those that somebody has at hand: others are given up, and begin again from what was kept. */
    private readonly made = new Map<string, WeakRef<Room>>();
    /** Those with something to send, whoever has them. */
    private readonly busy = new Set<Room>();
    private readonly pauses = new Pauses();
    private readonly list: RoomList;
    private readonly hints = new Set<(hint: Hint) => void>();
    private database: string | null = null;
    private leads = false;
    /** Whether what was kept is here. */
    private loaded = false;
    /** Whether the database of last time is known. */
    private remembers = false;
    private running = false;
    private loading: Promise<void> = Promise.resolve();
    private watched: ReturnType<typeof setTimeout> | undefined;
    private unwatch: () => void = () => {};

    constructor(options: ChatOptions) {
        this.user = options.user;
        this.link = options.link ?? directLink(options);
        this.storage = options.storage ?? new MemoryStorage();
        this.connection = this.standing;
        this.rooms = this.listing;
        this.list = new RoomList({
            page: (after) => this.asks("rooms", { ...(after !== undefined && { after }), unread: true }),
            row: (id) => this.row(id),
            reading: () => this.open().find((room) => room.isSeen)?.id,
            changed: () => this.listing.changed(),
            later: () => this.listing.later(),
            pause: this.pauses.pause,
        });
    }

    /** Connects, and stays so until `close`. Where the server has refused the connection for good: tries again. */
    connect(): void {
        const { running } = this;
        if (running && this.standing.snapshot().state !== "disconnected") return;
        this.running = true;
        if (!running) {
            this.loading = this.load();
            this.unwatch = this.storage.watch((wiped) => {
                if (wiped) void this.loggedOut();
                else this.loading = this.loading.then(() => this.loadDrafts());
            });
            if (typeof addEventListener === "function") addEventListener("pagehide", this.keepAll);
        }
        this.link.open({
            state: (state, problem) => this.state(state, problem),
            welcome: (welcome) => void this.welcome(welcome),
            hint: (hint) => this.hint(hint),
            leads: (leads) => {
                this.leads = leads;
                this.flush();
            },
        });
    }

    /** A room, by its id: the same object for as long as somebody has it. It is followed while somebody subscribes to it. */
    room(id: string): Room {
        const there = this.made.get(id)?.deref();
        if (there) return there;
        for (const [other, room] of this.made) if (!room.deref()) this.made.delete(other);
        const room = this.makes(id);
        this.made.set(id, new WeakRef(room));
        return room;
    }

    /**
     * Calls a method of the server, once. A method that writes takes a `key`, made with `newKey`: call again with the same
     * until there is an answer. Rejects with a `CallError`.
     */
    call<Name extends Method>(method: Name, data: Methods[Name]["data"]): Promise<Methods[Name]["answer"]>;
    /** The same for a method that this version does not know. */
    call(method: string, data?: object): Promise<unknown>;
    call(method: string, data: object = {}): Promise<unknown> {
        return this.link.call(method, data);
    }

    /** Who of these people, 200 at most, is connected, and when they last were. */
    async online(users: readonly string[]): Promise<Seen[]> {
        return (await this.asks<{ users: Seen[] }>("online", { users })).users;
    }

    /**
     * Makes a room, or finds the direct one with these people; its id. Asked until there is an answer, however long that takes,
     * or until `signal` calls it off: it rejects with the reason of that then. What the server was asked by then it may still do.
     */
    async createRoom(
        what: { id?: string; kind: "open" | "private"; name?: string } | { kind: "direct"; with: readonly string[] },
        { signal }: { signal?: AbortSignal } = {},
    ): Promise<string> {
        const whole = what.kind === "direct" ? what : { id: newKey(), ...what };
        for (;;) {
            signal?.throwIfAborted();
            try {
                // Again with the same id, it is found.
                return (await unlessOff(this.asks<{ id: string }>("create_room", whole), signal)).id;
            } catch (problem) {
                if (signal?.aborted || !CallError.of(problem).temporary || !this.running) throw problem;
                await unlessOff(this.pauses.pause(1_000), signal);
            }
        }
    }

    /** What the server tells of this user and no log keeps. Returns what ends it. */
    onHint(listener: (hint: Hint) => void): () => void {
        this.hints.add(listener);
        return () => void this.hints.delete(listener);
    }

    /** Disconnects. What is kept stays. */
    async close(): Promise<void> {
        if (!this.running) return;
        this.running = false;
        const kept = this.open().map((room) => room.keep().catch(() => {}));
        for (const room of this.open()) {
            room.leave();
            room.waiting.abandon("the chat was closed; what is kept is sent the next time");
        }
        clearTimeout(this.watched);
        if (typeof removeEventListener === "function") removeEventListener("pagehide", this.keepAll);
        this.unwatch();
        this.link.close();
        this.pauses.hold();
        await Promise.all(kept);
        this.storage.close();
        this.standing.set({ ...this.standing.snapshot(), state: "disconnected", problem: null });
    }

    /** Disconnects, and nothing of this user is left here. */
    async logOut(): Promise<void> {
        try {
            await this.storage.wipe();
        } finally {
            await this.loggedOut();
        }
    }

    /** Here, or in another tab. */
    private async loggedOut(): Promise<void> {
        for (const room of this.open()) {
            room.forget("you were logged out");
            room.leave();
        }
        this.made.clear();
        this.busy.clear();
        await this.close();
        this.database = null;
        this.standing.set({ ...this.standing.snapshot(), problem: "You were logged out." });
    }

    private makes(id: string): Room {
        return new Room(id, {
            me: this.user,
            call: (method, data) => this.link.call(method, data),
            follow: (room, since, follower) => this.link.follow(room, since, follower),
            sends: () => this.running && this.leads && this.loaded && this.database !== null && this.standing.snapshot().state === "connected",
            running: () => this.running,
            database: () => this.database,
            mayWait: () => this.mayWait(),
            keepDraft: (room, draft) => this.storage.putDraft({ room, database: this.database, draft }),
            dropDraft: (key) => this.storage.dropDraft(key).catch(() => {}),
            kept: async (room) => {
                await this.loading;
                return this.storage.room(room);
            },
            keep: (kept) => this.storage.putRoom(kept),
            row: (room) => this.row(room),
            marked: (room, seq) => this.list.readTo(room, seq),
            spoken: (room, at) => this.list.spoken(room, at),
            holds: (room, is) => void (is ? this.busy.add(room) : this.busy.delete(room)),
            pause: this.pauses.pause,
        });
    }

    private async asks<Answer>(method: string, data: object): Promise<Answer> {
        return (await this.link.call(method, data)) as Answer;
    }

    /** One of one's rooms, as the server tells of it now; undefined: one is no member. */
    async row(id: string): Promise<RoomRow | undefined> {
        // Lists are by id, so it is the page of one behind the id before it.
        const after = before(id);
        const { rooms } = await this.asks<{ rooms: RoomRow[] }>("rooms", { ...(after !== undefined && { after }), limit: 1, unread: true });
        return rooms.find((room) => room.id === id);
    }

    private state(state: LinkState, problem: string | null): void {
        this.standing.set({ ...this.standing.snapshot(), state, problem });
        if (state !== "connected") {
            for (const room of this.open()) room.lost();
            return;
        }
        this.pauses.end();
        // What is unread is asked for once the server watches; one that does not say so is asked all the same.
        clearTimeout(this.watched);
        this.watched = setTimeout(() => void this.list.again(), WATCHED_WITHIN_MS);
        this.flush();
    }

    private async welcome({ instance, database, features }: Welcome): Promise<void> {
        this.standing.set({ ...this.standing.snapshot(), instance, features });
        // Rooms begin once it is loaded, and then nothing of them may come in between.
        if (!this.remembers) await this.loading;
        if (!this.running || this.database === database) return this.flush();
        const other = this.database !== null;
        this.database = database;
        // At once: rooms of this database begin with what comes next.
        if (other) for (const room of this.open()) room.forget(OTHER_DATABASE);
        await this.storage.putDatabase(database).catch(() => {});
        await this.loadDrafts();
    }

    private async load(): Promise<void> {
        this.database = await this.storage.database().catch(() => null);
        this.remembers = true;
        await this.loadDrafts();
    }

    /** What waits, of this database; what was written before there was any belongs to the first, and is shown until then. */
    private async loadDrafts(): Promise<void> {
        const { database } = this;
        const known = new Map(this.open().map((room) => [room.id, room.waiting.asks()]));
        let kept: KeptDraft[] = [];
        try {
            kept = await this.storage.drafts();
        } catch {
            // What waited is not known; what is said from now on goes all the same.
            this.loaded = true;
            return this.flush();
        }
        const of = new Map<string, Draft[]>();
        for (const one of kept) {
            if (one.database === null && database !== null) await this.storage.putDraft({ ...one, database }).catch(() => {});
            else if (one.database !== database) continue;
            of.set(one.room, [...(of.get(one.room) ?? []), one.draft]);
        }
        this.loaded = database !== null;
        for (const id of new Set([...of.keys(), ...this.open().map((room) => room.id)])) {
            this.room(id).waiting.take(of.get(id) ?? [], known.get(id));
        }
    }

    private mayWait(): void {
        const waiting = this.open().reduce((sum, room) => sum + room.waiting.count, 0);
        if (waiting >= DRAFTS) throw new CallError(106, `${waiting} messages wait to be sent or were refused; at most ${DRAFTS} may`, true);
    }

    private hint(hint: Hint): void {
        if (hint.type === "watching") clearTimeout(this.watched);
        const room = hint.room === undefined ? undefined : this.made.get(hint.room)?.deref();
        if (hint.type === "read" && room) room.readElsewhere(hint.seq ?? 0);
        if (hint.type === "added" && room) room.follow();
        if (hint.type === "features" && Array.isArray(hint["features"])) {
            this.standing.set({ ...this.standing.snapshot(), features: hint["features"] as string[] });
        }
        void this.list.hint(hint);
        for (const listener of [...this.hints]) listener(hint);
    }

    private listed(): RoomsSnapshot {
        const reading = this.open().find((room) => room.isSeen)?.id;
        return { rooms: sorted(this.list.now), known: this.list.known, unread: total(this.list.now, reading) };
    }

    private open(): Room[] {
        return [...this.made.values()].flatMap((room) => room.deref() ?? []);
    }

    private flush(): void {
        for (const room of this.open()) room.waiting.flush();
    }

    private readonly keepAll = (): void => {
        for (const room of this.open()) void room.keep().catch(() => {});
    };
}

/** The same, or the reason why it was called off, whichever comes first. */
function unlessOff<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
    if (!signal) return promise;
    return new Promise((resolve, reject) => {
        const off = () => reject(signal.reason);
        signal.addEventListener("abort", off);
        promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", off));
    });
}
