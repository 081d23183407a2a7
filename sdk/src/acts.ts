// What one does in a room besides talking, each under one key until there is an answer.

import { newKey } from "./keys.ts";
import { CallError } from "./link.ts";
import type { Saying } from "./timeline.ts";

export interface ActsSurroundings {
    call(method: string, data: object): Promise<unknown>;
    /** Whether the chat was not closed. */
    running(): boolean;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

export class Acts {
    constructor(
        readonly id: string,
        private readonly server: ActsSurroundings,
    ) {}

    /** What the message says from now on; all of it is replaced. */
    edit(target: number, said: Pick<Saying, "text" | "mentions" | "mention_all"> & { data?: unknown }): Promise<unknown> {
        return this.act("edit", { target, ...said });
    }

    delete(target: number): Promise<unknown> {
        return this.act("delete", { target });
    }

    react(target: number, reaction: string): Promise<unknown> {
        return this.act("react", { target, reaction });
    }

    unreact(target: number, reaction: string): Promise<unknown> {
        return this.act("unreact", { target, reaction });
    }

    pin(target: number): Promise<unknown> {
        return this.act("pin", { target });
    }

    unpin(target: number): Promise<unknown> {
        return this.act("unpin", { target });
    }

    /** Any method of the room that writes: under one key until there is an answer, however long that takes. */
    async act(method: string, data: object): Promise<unknown> {
        const key = newKey();
        for (;;) {
            try {
                return await this.server.call(method, { room: this.id, key, ...data });
            } catch (problem) {
                if (!CallError.of(problem).temporary || !this.server.running()) throw problem;
                await this.server.pause(1_000);
            }
        }
    }
}
