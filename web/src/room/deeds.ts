// What is done to messages, people and the room: one after the other, each under a key of its own until it is answered,
// and told in words where it fails.

import { deleted, failure, mayRetry, notYet, refusal, type Shown } from "hubbub-sdk";
import { reacts, type Doing } from "./pending.ts";

export interface Surroundings {
    act(method: string, key: string, what: object): Promise<unknown>;
    newKey(): string;
    /** Null: there is no trouble any more. */
    trouble(why: string | null): void;
    /** It gets on meanwhile, or not. */
    waits(why: string | null): void;
    /** What is being done is other than before. */
    changed(): void;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

export class Deeds {
    /** What is not answered yet, and edits that were refused, in their order. */
    doing: readonly Doing[] = [];
    private running: Promise<void> | null = null;

    constructor(private readonly around: Surroundings) {}

    do(method: string, what: object): void {
        void this.done(method, what);
    }

    /** Resolves when nothing is left to be done. */
    done(method: string, what: object): Promise<void> {
        this.put([...this.doing, { key: this.around.newKey(), method, what }]);
        return this.run();
    }

    /** What was being done when the page was left, with its keys. */
    resume(doing: readonly Doing[]): void {
        if (!doing.length) return;
        this.put([...doing, ...this.doing]);
        void this.run();
    }

    /** An edit that was refused is tried again, or forgotten. */
    again(key: string): void {
        this.put(this.doing.map(({ error, ...one }) => (one.key === key ? one : { ...one, ...(error && { error }) })));
        void this.run();
    }

    discard(key: string): void {
        this.put(this.doing.filter((one) => one.key !== key));
    }

    private run(): Promise<void> {
        this.running ??= this.all().finally(() => {
            this.running = null;
        });
        return this.running;
    }

    private async all(): Promise<void> {
        let pause = FIRST_PAUSE_MS;
        for (let one = this.next(); one; one = this.next()) {
            try {
                // The same key goes with every attempt: what did arrive is not done twice.
                await this.around.act(one.method, one.key, one.what);
                this.discard(one.key);
                this.around.trouble(null);
            } catch (error) {
                const problem = failure(error);
                // What no server does for now would hold back what it does.
                if (mayRetry(problem) && !notYet(problem)) {
                    this.around.waits(problem.code < 100 ? "No answer yet. Trying again …" : refusal(problem));
                    await this.around.pause(pause * (0.75 + Math.random() / 2));
                    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
                    continue;
                }
                const why = refusal(problem);
                // What was written for an edit is not lost; that of a deleted message has to go.
                const { key } = one;
                if (one.method === "edit" && !deleted(problem))
                    this.put(this.doing.map((other) => (other.key === key ? { ...other, error: why } : other)));
                else {
                    this.discard(key);
                    this.around.trouble(why);
                }
            }
            this.around.waits(null);
            pause = FIRST_PAUSE_MS;
        }
    }

    private next(): Doing | undefined {
        return this.doing.find(({ error }) => error === undefined);
    }

    private put(doing: readonly Doing[]): void {
        this.doing = doing;
        this.around.changed();
    }

    /** Adds a reaction, or takes it back where it is one's own. */
    react(message: Shown, reaction: string): void {
        this.do(reacts(message, reaction, this.doing) ? "unreact" : "react", { target: message.seq, reaction });
    }
}
