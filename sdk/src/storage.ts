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
    /** New, or changed: the key says which. It is kept once this resolves. */
    putDraft(draft: KeptDraft): Promise<void>;
    dropDraft(key: string): Promise<void>;
    room(room: string): Promise<KeptRoom | null>;
    putRoom(room: KeptRoom): Promise<void>;
    /** Nothing of this user is left, and nothing is kept any more. */
    wipe(): Promise<void>;
    /** Called when another tab has changed a draft, or has wiped. */
    watch(changed: () => void): () => void;
    close(): void;
}
