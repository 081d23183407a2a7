// What is done to messages, people and the room: each once, under a key of its own, and told in words where it fails.

import type { MemberActions } from "./members.ts";
import type { Chosen } from "./menu.ts";
import type { Shown } from "./timeline.ts";
import { failure, mayRetry, refusal } from "./words.ts";

export interface Surroundings {
    act(method: string, key: string, what: object): Promise<unknown>;
    newKey(): string;
    /** Null: there is no trouble any more. */
    trouble(why: string | null): void;
}

const ATTEMPTS = 4;
const PAUSE_MS = 500;

export class Deeds {
    constructor(
        private readonly around: Surroundings,
        private readonly pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    ) {}

    actions(): MemberActions & { chosen(message: Shown, what: Chosen): void } {
        return {
            chosen: (message, what) => this.chosen(message, what),
            role: (user, role) => this.do("set_role", { user, role }),
            mute: (user, minutes) =>
                this.do("mute", { user, until: new Date(Date.now() + minutes * 60_000).toISOString() }),
            unmute: (user) => this.do("unmute", { user }),
            remove: (user) => this.do("remove_member", { user }),
            settings: (settings) => this.do("change_room", { settings }),
        };
    }

    do(method: string, what: object): void {
        void this.done(method, what);
    }

    /** The same key goes with every attempt: what did arrive is not done twice. */
    async done(method: string, what: object): Promise<void> {
        const key = this.around.newKey();
        for (let attempt = 1; ; attempt += 1) {
            try {
                await this.around.act(method, key, what);
                return this.around.trouble(null);
            } catch (error) {
                const problem = failure(error);
                if (!mayRetry(problem) || attempt === ATTEMPTS) return this.around.trouble(refusal(problem));
            }
            await this.pause(PAUSE_MS * attempt);
        }
    }

    private chosen({ seq, reactions = [] }: Shown, what: Chosen): void {
        const target = seq;
        if (what.do === "react") {
            const mine = reactions.some((one) => one.reaction === what.reaction && one.me);
            return this.do(mine ? "unreact" : "react", { target, reaction: what.reaction });
        }
        this.do(what.do, { target });
    }
}
