// Sends drafts one after the other, each with its own key until it is answered: order is kept, and a repeat whose
// first attempt did arrive is answered with the message it made.

import type { Saying } from "./timeline.ts";
import { failure, mayRetry, refusal, type Failure } from "./words.ts";

export interface Sent {
    id: string;
    room: string;
    seq: number;
    epoch: string;
    at: string;
}

export interface Outgoing extends Saying {
    key: string;
}

export interface Surroundings {
    /** The oldest draft without an answer. */
    next(): Outgoing | undefined;
    send(draft: Outgoing): Promise<Sent>;
    stored(draft: Outgoing, sent: Sent): void;
    refused(draft: Outgoing, why: string, problem: Failure): void;
    /** Called with null when there is no trouble any more. */
    trouble(why: string | null): void;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

export class Outbox {
    private running = false;

    constructor(private readonly around: Surroundings) {}

    /** Sends whatever waits. Harmless when it is at it already. */
    async flush(): Promise<void> {
        if (this.running) return;
        this.running = true;
        let pause = FIRST_PAUSE_MS;
        try {
            for (let draft = this.around.next(); draft; draft = this.around.next()) {
                let sent: Sent;
                try {
                    sent = await this.around.send(draft);
                } catch (error) {
                    const problem = failure(error);
                    if (!mayRetry(problem)) {
                        this.around.refused(draft, refusal(problem), problem);
                        continue;
                    }
                    this.around.trouble(problem.code < 100 ? "No answer yet. Trying again …" : refusal(problem));
                    await this.around.pause(pause * (0.75 + Math.random() / 2));
                    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
                    continue;
                }
                this.around.stored(draft, sent);
                this.around.trouble(null);
                pause = FIRST_PAUSE_MS;
            }
        } finally {
            this.running = false;
        }
    }
}
