// Where a chat keeps what has to survive a reload.

import type { Draft } from "./timeline.ts";

/** Something said that has no answer yet. */
export interface KeptDraft {
    room: string;
    /** The database it was written for; null: before the first connection ever. */
    database: string | null;
    draft: Draft;
}

/** A room as it was shown last: what was folded, and the position up to which it was. Never one without the other. */
export interface KeptRoom {
    room: string;
    database: string;
    /** A timeline, of the version of the SDK that wrote it. */
    version: number;
    state: unknown;
}

/** Belongs to one user. All tabs of a browser share one. */
export interface Storage {
    /** All of this user, in the order they were put. */
    drafts(): Promise<KeptDraft[]>;
    /** New, or changed: the key says which. It is kept once this resolves; where this rejects, it is listed for as long as the page is there. */
    putDraft(draft: KeptDraft): Promise<void>;
    dropDraft(key: string): Promise<void>;
    /** The database that the server had last; null: there was none yet. */
    database(): Promise<string | null>;
    putDatabase(database: string): Promise<void>;
    room(room: string): Promise<KeptRoom | null>;
    putRoom(room: KeptRoom): Promise<void>;
    /** Nothing of this user is left, and nothing is kept any more. */
    wipe(): Promise<void>;
    /** Called when another tab has changed a draft, or has wiped all. */
    watch(changed: (wiped: boolean) => void): () => void;
    close(): void;
}

/** Keeps it for as long as the program runs. */
export class MemoryStorage implements Storage {
    private readonly kept = new Map<string, KeptDraft>();
    private readonly rooms = new Map<string, KeptRoom>();
    private last: string | null = null;

    async drafts(): Promise<KeptDraft[]> {
        return [...this.kept.values()];
    }

    async putDraft(draft: KeptDraft): Promise<void> {
        this.kept.set(draft.draft.key, draft);
    }

    async dropDraft(key: string): Promise<void> {
        this.kept.delete(key);
    }

    async database(): Promise<string | null> {
        return this.last;
    }

    async putDatabase(database: string): Promise<void> {
        this.last = database;
    }

    async room(room: string): Promise<KeptRoom | null> {
        return this.rooms.get(room) ?? null;
    }

    async putRoom(room: KeptRoom): Promise<void> {
        this.rooms.set(room.room, room);
    }

    async wipe(): Promise<void> {
        this.kept.clear();
        this.rooms.clear();
        this.last = null;
    }

    watch(): () => void {
        return () => {};
    }

    close(): void {}
}
