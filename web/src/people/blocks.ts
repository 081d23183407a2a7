// Whom one has blocked: asked for with each connection, and followed by hints. Clients hide by it what one does not want to see.

import { useSyncExternalStore } from "react";
import type { Chat } from "hubbub-sdk";

/** As much of a chat as this needs. */
export type Asked = Pick<Chat, "call" | "connection" | "onHint">;

const PAGE = 100;

export class Blocks {
    private users: ReadonlySet<string> = new Set();
    /** What hints said while the list is read: it may be of before. */
    private meanwhile: Map<string, boolean> | null = null;
    private readonly listeners = new Set<() => void>();
    private asked = 0;

    constructor(private readonly chat: Asked) {
        const { connection } = chat;
        const connected = () => connection.snapshot().state === "connected";
        let was = false;
        const look = () => {
            const is = connected();
            if (is && !was) void this.load();
            was = is;
        };
        look();
        connection.subscribe(look);
        chat.onHint(({ type, ...hint }) => {
            const user = hint["user"];
            if (type === "missed") void this.load();
            if ((type === "blocked" || type === "unblocked") && typeof user === "string") this.turned(user, type === "blocked");
        });
    }

    readonly snapshot = (): ReadonlySet<string> => this.users;

    readonly subscribe = (changed: () => void): (() => void) => {
        this.listeners.add(changed);
        return () => void this.listeners.delete(changed);
    };

    /** Blocks somebody, or takes it back. Rejects with a `CallError`. */
    async turn(user: string, is: boolean): Promise<void> {
        await this.chat.call(is ? "block" : "unblock", { user });
        this.turned(user, is);
    }

    private turned(user: string, is: boolean): void {
        this.meanwhile?.set(user, is);
        this.put(changed(this.users, [[user, is]]));
    }

    private async load(): Promise<void> {
        const asked = (this.asked += 1);
        this.meanwhile ??= new Map();
        try {
            const all = new Set<string>();
            let after: string | undefined;
            do {
                const { blocks, next } = await this.chat.call("blocks", { limit: PAGE, ...(after !== undefined && { after }) });
                for (const { user } of blocks) all.add(user);
                after = next;
            } while (after !== undefined && asked === this.asked);
            if (asked === this.asked) this.put(changed(all, this.meanwhile));
        } catch {
            // Those who were known stay so; it is asked with the next connection.
        } finally {
            if (asked === this.asked) this.meanwhile = null;
        }
    }

    private put(users: ReadonlySet<string>): void {
        this.users = users;
        for (const listener of [...this.listeners]) listener();
    }
}

function changed(users: ReadonlySet<string>, by: Iterable<readonly [string, boolean]>): ReadonlySet<string> {
    const now = new Set(users);
    for (const [user, is] of by) {
        if (is) now.add(user);
        else now.delete(user);
    }
    return now;
}

const all = new WeakMap<Asked, Blocks>();

/** Those of a chat: one object for as long as it is there. */
export function blocksOf(chat: Asked): Blocks {
    let one = all.get(chat);
    if (!one) all.set(chat, (one = new Blocks(chat)));
    return one;
}

export function useBlocked(chat: Asked): ReadonlySet<string> {
    const blocks = blocksOf(chat);
    return useSyncExternalStore(blocks.subscribe, blocks.snapshot, blocks.snapshot);
}
