// What a chat talks through: a connection of its own, or the one that all tabs of a browser share.

import type { Entry } from "./fold.ts";
import { failure, mayRetry } from "./words.ts";

/** Where one is in the log of a room: the history that its numbers count in, and the last number that one has. */
export interface Position {
    epoch: string;
    offset: number;
}

/** `disconnected`: refused for good, or closed. Nothing is tried until it is opened again. */
export type LinkState = "connecting" | "connected" | "disconnected";

/** What the server says of itself and of the user with each connection. */
export interface Welcome {
    /** The label of the instance. */
    instance: string;
    /** The database behind the server. What waits to be sent belongs to one. */
    database: string;
    /** Who the server says the token is of. */
    user: string;
    /** What is on, of what was added after the first version. */
    features: readonly string[];
}

export interface LinkListener {
    /** `why` in words, where there is something to say. */
    state(state: LinkState, why: string | null): void;
    welcome(welcome: Welcome): void;
    /** Something about the user that no log keeps. */
    hint(hint: Hint): void;
    /** Whether this one, of all that share the connection, sends what waits in the outbox. */
    leads(leads: boolean): void;
}

/** Who follows a room. */
export interface Follower {
    /** Entries come from here on, in order and without holes. `fresh`: they do not go on from where one was. */
    started(at: Position, fresh: boolean): void;
    entry(entry: Entry): void;
    /** Something that is said in the room and that no log keeps, such as typing. */
    signal(signal: Signal): void;
    /** It ended for good; a code of the protocol and the server's reason. */
    ended(code: number, reason: string): void;
}

export interface Link {
    /** Connects. Again, once it was disconnected: tries again. */
    open(listener: LinkListener): void;
    /** Calls a method of the server. Rejects with a `CallError`. */
    call(method: string, data: unknown): Promise<unknown>;
    /** Follows a room from a position on, or from its end; one at a time follows a room. Returns what ends it. */
    follow(room: string, since: Position | null, follower: Follower): () => void;
    close(): void;
}

/** Why a call was refused: a code of the protocol and what the server says. Below 100: it did not come from the server. */
export class CallError extends Error {
    override readonly name = "CallError";

    constructor(
        readonly code: number,
        message: string,
        /** Whether the same again may be answered otherwise. */
        readonly temporary: boolean,
    ) {
        super(message);
    }

    /** Of whatever was thrown. */
    static of(problem: unknown): CallError {
        if (problem instanceof CallError) return problem;
        const { code, message, temporary } = failure(problem);
        return new CallError(code, message, mayRetry({ code, message, temporary: temporary === true }));
    }
}

/** Something about the user that no log keeps. Types that are not known are to be passed over. */
export interface Hint {
    type: string;
    room?: string;
    seq?: number;
    /** What the log of the room has come to. */
    head?: number;
    [member: string]: unknown;
}

/** Something that is said in a room and that no log keeps. Types that are not known are to be passed over. */
export interface Signal {
    type: string;
    user: string;
    thread?: number;
    seq?: number;
    /** Seconds after which it is over. */
    for?: number;
}
