// Keeps the list of one's rooms true: asks for all of them, and again for those where something has happened.

import type { Hint } from "./link.ts";
import { asking, hinted, only, readTo, spoken, told, unknown, type Room, type Rooms } from "./unread.ts";
import { failure, mayRetry } from "./words.ts";

export interface Surroundings {
    page(after: string | undefined): Promise<{ rooms: Room[]; next?: string }>;
    /** One of them; undefined: it is none of one's own. */
    row(id: string): Promise<Room | undefined>;
    /** The room that is being read now, at its end. */
    reading(): string | undefined;
    changed(): void;
    /** No more than the time of the newest message in a room, which may come many times a second. */
    later(): void;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

/** Whoever is in busy rooms asks no more often. */
const EVERY_MS = 1_000;
const AGAIN_MS = 2_000;
/** Where more rooms than these have changed, all are asked for. */
const ONE_BY_ONE = 20;

export class RoomList {
    now: Rooms = unknown;
    /** Whether all of them were told once. */
    known = false;
    private running: Promise<void> | null = null;

    constructor(private readonly around: Surroundings) {}

    /** Resolves when the list says what the hint says. */
    hint(hint: Hint): Promise<void> {
        return this.take(hinted(this.now, hint, this.around.reading()));
    }

    /** Hints may have been lost. */
    again(): Promise<void> {
        return this.take({ ...this.now, lost: true });
    }

    /** The open room was read so far. */
    readTo(id: string, seq: number): void {
        void this.take(readTo(this.now, id, seq, this.running !== null));
    }

    /** A message came in the open room. */
    spoken(id: string, at: string): void {
        const now = spoken(this.now, id, at);
        if (now !== this.now) this.around.later();
        this.now = now;
    }

    private take(now: Rooms): Promise<void> {
        const other = now !== this.now;
        this.now = now;
        if (other) this.around.changed();
        if (!now.lost && !now.stale.size) return this.running ?? Promise.resolve();
        this.running ??= this.ask().finally(() => {
            this.running = null;
        });
        return this.running;
    }

    private async ask(): Promise<void> {
        while (this.now.lost || this.now.stale.size) {
            const before = this.now;
            const [id] = before.stale;
            const all = before.lost || id === undefined || before.stale.size > ONE_BY_ONE;
            this.now = asking(before, all ? undefined : id);
            try {
                if (all) await this.list();
                else {
                    const row = await this.around.row(id);
                    this.put(told(this.now, id, row));
                }
            } catch (error) {
                this.now = { ...this.now, lost: this.now.lost || all, stale: new Set([...this.now.stale, ...before.stale]) };
                // Once the connection is back all of them are asked for.
                if (!mayRetry(failure(error))) return;
                await this.around.pause(AGAIN_MS);
                continue;
            }
            if (this.now.lost || this.now.stale.size) await this.around.pause(EVERY_MS / Math.max(1, before.stale.size));
        }
    }

    private async list(): Promise<void> {
        const listed = new Set<string>();
        let after: string | undefined;
        do {
            const { rooms, next } = await this.around.page(after);
            let now = this.now;
            for (const room of rooms) {
                listed.add(room.id);
                now = told(now, room.id, room);
            }
            this.put(now);
            after = next;
        } while (after !== undefined);
        this.known = true;
        this.put(only(this.now, listed));
    }

    private put(now: Rooms): void {
        this.now = now;
        this.around.changed();
    }
}

/** Who the others of direct rooms are: they have no name of their own, and nobody joins or leaves them. */
export class Others {
    readonly of = new Map<string, readonly string[]>();
    private running = false;
    private wanted: readonly string[] = [];

    constructor(
        private readonly around: { me: string; members(id: string): Promise<{ members: { user: string }[] }>; changed(): void },
    ) {}

    /** Asks for those that are not known yet, one after the other. */
    async want(ids: readonly string[]): Promise<void> {
        this.wanted = ids;
        if (this.running) return;
        this.running = true;
        const next = () => this.wanted.find((id) => !this.of.has(id));
        try {
            for (let id = next(); id !== undefined; id = next()) {
                const { members } = await this.around.members(id);
                this.of.set(id, members.map(({ user }) => user).filter((user) => user !== this.around.me));
                this.around.changed();
            }
        } catch {
            // They are shown by their ids, and asked for with the next change.
        } finally {
            this.running = false;
        }
    }
}
